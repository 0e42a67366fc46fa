package skald

import (
	"errors"
	"strings"
	"testing"
)

func TestSlotOfHost(t *testing.T) {
	for host, want := range map[string]string{
		"authorizer-2": "2", "authorizer-0.authorizer.default.svc.cluster.local": "0", "my-service-12": "12", "a-007": "007",
		"authorizer": "", "authorizer-": "", "-2": "", "2": "", "authorizer--2": "", "authorizer-7d4b9c5f6-x2x9z": "", "ip-10-0-0-1x": "", "": "",
	} {
		got, err := resolveSlot(AutoSlot, func() (string, error) { return host, nil })
		if got != want || (err == nil) != (want != "") {
			t.Errorf("host %q: slot %q, error %v, want %q", host, got, err, want)
		}
	}
	if _, err := resolveSlot(AutoSlot, func() (string, error) { return "", errors.New("no name") }); err == nil || !strings.Contains(err.Error(), "no name") {
		t.Errorf("error %v, want one that says why", err)
	}
	for slot, fine := range map[string]bool{"": true, "0": true, "zone-a.1": true, "a b": false, "ä": false, "-1": false, strings.Repeat("x", 41): false} {
		if got, err := resolveSlot(slot, nil); (err == nil) != fine || (fine && got != slot) {
			t.Errorf("slot %q: %q, %v", slot, got, err)
		}
	}
}
