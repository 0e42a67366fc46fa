package wire

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// These never change: an ID that did would make every repeat of before look new. The values were made by another
// implementation of RFC 9562 (Python's uuid.uuid5).
func TestDeterministicIDsAreFixed(t *testing.T) {
	topicID := [16]byte(uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff"))
	saga := SagaIDFor("onboarding", "key")
	event := EventID("0190b0a2-0000-7000-8000-000000000001", "authorizer", "authorize", 1)
	for name, pair := range map[string][2]string{
		"event":               {event, "48c5acc3-aa08-580b-8de3-25fdc9a9a512"},
		"saga for a key":      {saga, "87987e71-5300-513c-a01b-cdc8042333b0"},
		"adopted":             {AdoptedSagaID("onboarding", "/crm", "7"), "649d14d5-123f-5e76-b411-78eb0de837f4"},
		"adopted, by place":   {AdoptedSagaIDAt("onboarding", topicID, 3, 42), "e6c412c3-840f-5d2d-8d5f-a51414895265"},
		"record":              {RecordID("new-user", 3, 42), "c5472b10-ee95-503c-a0df-5fb9cfb4cea0"},
		"foreign":             {ForeignID("/crm", "7"), "e295fe17-5981-518f-8be1-f003410c1ebf"},
		"trace of a saga":     {TraceParent(saga, event), "00-87987e715300513ca01bcdc8042333b0-8de325fdc9a9a512-01"},
		"trace of the next":   {ChildTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", event), "00-0af7651916cd43dd8448eb211c80319c-8de325fdc9a9a512-00"},
		"trace that is none":  {ChildTrace("none", event), "none"},
		"trace without sagas": {TraceParent("", event), ""},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %s, want %s", name, pair[0], pair[1])
		}
	}
}

func TestIDsOfDifferentThingsDiffer(t *testing.T) {
	seen := map[string]string{}
	for name, id := range map[string]string{
		"output 1": EventID("a", "b", "c", 1), "output 2": EventID("a", "b", "c", 2), "another topic": EventID("a", "b", "cd", 1),
		"parts moved": EventID("ab", "", "c", 1), "key": SagaIDFor("w", "k"), "another workflow": SagaIDFor("wk", ""),
		"adopted": AdoptedSagaID("w", "k", ""), "adopted from another source": AdoptedSagaID("w", "", "k"),
		"place": AdoptedSagaIDAt("w", [16]byte{}, 1, 2), "another place": AdoptedSagaIDAt("w", [16]byte{}, 2, 1),
		"another topic of that name": AdoptedSagaIDAt("w", [16]byte{1}, 1, 2), "record": RecordID("w", 1, 2), "foreign": ForeignID("w", "1"),
	} {
		if other, taken := seen[id]; taken {
			t.Errorf("%s and %s have one ID", name, other)
		}
		seen[id] = name
	}
}

func TestSagaIDsHaveOneForm(t *testing.T) {
	const canonical = "0190b0a2-abcd-7000-8000-000000000001"
	if got, err := ParseSagaID(strings.ToUpper(canonical)); err != nil || got != canonical {
		t.Errorf("upper case: %q, %v", got, err)
	}
	for _, bad := range []string{"", "x", "{" + canonical + "}", "urn:uuid:" + canonical, strings.ReplaceAll(canonical, "-", ""), canonical + " ", strings.Repeat("a", 10_000)} {
		if got, err := ParseSagaID(bad); err == nil || got != "" || len(err.Error()) > 200 {
			t.Errorf("%.50q: %q, %v", bad, got, err)
		}
	}
	first, _ := NewSagaID()
	second, err := NewSagaID()
	if err != nil || second <= first {
		t.Errorf("%s comes after %s: new IDs sort by time", second, first)
	}
}

func TestNames(t *testing.T) {
	for _, bad := range []string{"", ".", "-x", "a b", "a/b", "ä", "skald.x", strings.Repeat("a", 201), "a\x00b"} {
		if CheckName("topic", bad) == nil {
			t.Errorf("%.20q passes", bad)
		}
	}
	for _, good := range []string{"a", "new-user", "a.b_c-D9", strings.Repeat("a", 200)} {
		if err := CheckName("topic", good); err != nil {
			t.Errorf("%.20q: %v", good, err)
		}
	}
	n := Namespace("team-a.")
	if name, ok := n.Name(n.Topic("x")); name != "x" || !ok {
		t.Errorf("Name(Topic(x)) = %q, %v", name, ok)
	}
	if _, ok := n.Name("team-b.x"); ok {
		t.Error("another namespace's topic passes")
	}
	if ServiceOf(Source("authorizer")) != "authorizer" || ServiceOf("/crm") != "" {
		t.Error("ServiceOf isn't the inverse of Source")
	}
}
