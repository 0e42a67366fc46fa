package engine

import "testing"

// Only a member that came after this one has taken its slot.
func TestWhoHasTakenASlot(t *testing.T) {
	nobody, unknown := slotSeen{known: true}, slotSeen{}
	held := func(member string) slotSeen { return slotSeen{true, member} }
	for name, c := range map[string]struct {
		now, before slotSeen
		member      string
		fenced      bool
		want        bool
	}{
		"another came, and fenced it":                     {held("other"), nobody, "mine", true, true},
		"another came, seen by a lost transaction":        {held("other"), nobody, "mine", false, true},
		"another came before it learned its own":          {held("other"), held("former"), "", true, true},
		"it never learned its own, and wasn't fenced":     {held("other"), held("former"), "", false, false},
		"the coordinator has forgotten it":                {held("former"), held("former"), "mine", true, false},
		"forgotten, seen by a lost transaction":           {held("former"), held("former"), "mine", false, false},
		"it holds the slot":                               {held("mine"), held("former"), "mine", false, false},
		"fenced a moment ago, and nobody is there now":    {nobody, held("former"), "mine", true, false},
		"fenced, and who holds it can't be asked":         {unknown, held("former"), "mine", true, true},
		"lost a transaction, who holds it can't be asked": {unknown, held("former"), "mine", false, false},
		"lost a transaction, before wasn't known":         {held("other"), unknown, "mine", false, true},
		"fenced, and who held it before wasn't known":     {held("other"), unknown, "mine", true, true},
	} {
		if got := taken(c.now, c.before, c.member, c.fenced); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
