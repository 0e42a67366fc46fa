package mask_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/console/mask"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func TestMaskedFieldsAreRestoredOrReplaced(t *testing.T) {
	r := rules(t, "notify.email", "*.password", "secret.*", "ask.pin")
	for _, test := range []struct{ topic, original, edited, want, wrong string }{
		{"notify", `{"email":"a@b","n":9007199254740993}`, `{"email": "•••", "n": 90071992547409931.10 }`, `{"email": "a@b", "n": 90071992547409931.10 }`, ""},
		{"notify", `{"email":{"to":[1.0]},"n":1}`, `{"n":2,"email":"•••"}`, `{"n":2,"email":{"to":[1.0]}}`, ""},
		{"notify", `{"email":"a@b"}`, `{"email":"\u2022\u2022\u2022"}`, `{"email":"a@b"}`, ""},
		{"notify", `{"email":"a@b"}`, `{"email":"c@d"}`, `{"email":"c@d"}`, ""},
		{"notify", `{"email":"a@b"}`, `{}`, `{}`, ""},
		{"notify", `{"user":{"email":"a@b"}}`, `{"user":{"email":"•••","x":1}}`, `{"user":{"email":"a@b","x":1}}`, ""},
		{"notify", `{"user":{"email":"a@b"}}`, `{"email":"•••"}`, "", ".email: it is masked, and there was nothing"},
		{"notify", `{"email":"a","email":"b"}`, `{"email":"•••"}`, "", "nothing here before"},
		{"notify", `{"to":[{"email":"a"},{"email":"b"}],"n":1}`, `{"to":[ {"email":"•••"}, {"email":"•••"} ],"n":2}`, `{"to":[{"email":"a"},{"email":"b"}],"n":2}`, ""},
		{"notify", `{"to":[{"email":"a"},{"email":"b"}]}`, `{"to":[{"email":"•••"}]}`, "", ".to.email: it is masked, and the list"},
		{"notify", `{"to":[{"email":"a"},{"email":"b"}]}`, `{"to":[{"email":"c"}]}`, `{"to":[{"email":"c"}]}`, ""},
		{"notify", `{"email":{"password":"x"}}`, `{"email":{"password":"•••"}}`, "", ".email.password: it is masked"},
		{"notify", `{"n":"•••"}`, `{"n":"•••"}`, `{"n":"•••"}`, ""},
		{"notify", `no JSON`, `{"email":"a@b"}`, `{"email":"a@b"}`, ""},
		{"notify", `no JSON`, ` "•••" `, "", "all of it is masked"},
		{"secret", `{"a":1}`, `{"a":2}`, `{"a":2}`, ""},
		{"other", `{"a":1}`, `{"a":"•••"}`, `{"a":"•••"}`, ""},
		{"notify", `{}`, `{"a":`, "", "valid JSON"},
		{"notify", `{}`, strings.Repeat("[", 200) + strings.Repeat("]", 200), "", "nested too deep"},
	} {
		got, err := r.Restore([]byte(test.original), []byte(test.edited), test.topic, "ask")
		var wrong *mask.RestoreError
		if string(got) != test.want || (err != nil) != (test.wrong != "") || err != nil && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%s as %s: %s, %v; want %s %s", test.original, test.edited, got, err, test.want, test.wrong)
		}
	}
	var none *mask.Rules
	if got, err := none.Restore([]byte(`{}`), []byte(`{"a":"•••"}`), "notify"); err != nil || string(got) != `{"a":"•••"}` {
		t.Error(string(got), err)
	}
}

// What is shown, sent back as it was shown, indented or not, is the original; and nothing hidden is ever sent on.
func TestWhatIsShownIsTheOriginalWhenItComesBack(t *testing.T) {
	r := rules(t, "notify.a")
	rapid.Check(t, func(t *rapid.T) {
		original := []byte(drawJSON(t, 3))
		shown := r.Payload("notify", original)
		if rapid.Bool().Draw(t, "indented") {
			var indented bytes.Buffer
			if json.Indent(&indented, shown, "", "  ") == nil {
				shown = indented.Bytes()
			}
		}
		got, err := r.Restore(original, shown, "notify")
		var x, y bytes.Buffer
		if err != nil || json.Compact(&x, got) != nil || json.Compact(&y, original) != nil || x.String() != y.String() {
			t.Fatalf("%s was shown as %s and became %s, %v", original, shown, got, err)
		}
	})
}

func drawJSON(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 4).Draw(t, "kind")
	if depth == 0 {
		kind = min(kind, 2)
	}
	switch kind {
	case 0:
		return "12345678901234567890.10"
	case 1:
		return `"x"`
	case 2:
		return "null"
	case 3:
		var parts []string
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			parts = append(parts, drawJSON(t, depth-1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var parts []string
	names := []string{"a", "b", "A", "c"}
	for _, name := range names[:rapid.IntRange(0, 4).Draw(t, "n")] {
		parts = append(parts, `"`+name+`":`+drawJSON(t, depth-1))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// A command that carries an event is masked as that event; others are Skald's own words.
func TestTheEventThatACommandCarriesIsMasked(t *testing.T) {
	r := rules(t, "notify.email", "notify.id")
	for _, edited := range []bool{false, true} {
		c := wire.Command{ID: "5ba7c0de-0001-5a6a-8000-736b616c6400", Kind: wire.CommandRedrive, Edited: edited, Letter: &wire.LetterRef{ID: "l", Event: "e"}}
		e := tracker.Event{Type: tracker.CommandType, Topic: "skald.notifier.inbox", Payload: []byte(`{"email":"a@b","id":1}`),
			Headers: [][2]string{{wire.HeaderCommand, string(c.Encode())}, {wire.HeaderOrigin, "notify"}}}
		if got := string(r.Event(e).Payload); strings.Contains(got, "a@b") == edited {
			t.Errorf("edited %v: %s", edited, got)
		}
	}
}
