package skald

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// AutoSlot as [Config.Slot] stands for the number at the end of the host name: a StatefulSet's pod "authorizer-2" has slot "2".
const AutoSlot = "auto"

var ordinal = regexp.MustCompile(`^.*[^-]-([0-9]+)$`)

// resolveSlot gives the slot's name, "" for none.
func resolveSlot(slot string, hostname func() (string, error)) (string, error) {
	switch {
	case slot == "":
		return "", nil
	case slot != AutoSlot:
		return slot, checkSlot(slot)
	}
	host, err := hostname()
	if err != nil {
		return "", fmt.Errorf("skald: slot %q is the number at the end of the host name, but that isn't known: %w", AutoSlot, err)
	}
	name, _, _ := strings.Cut(host, ".")
	found := ordinal.FindStringSubmatch(name)
	if found == nil {
		return "", fmt.Errorf("skald: slot %q is the number at the end of the host name, but the host name %q doesn't end in a hyphen and a "+
			"number, as those of a StatefulSet's pods do: give the slot a name, or leave it out", AutoSlot, name)
	}
	return found[1], checkSlot(found[1])
}

func checkSlot(slot string) error {
	if len(slot) > engine.MaxSlotName {
		return fmt.Errorf("skald: slot %q has %d letters, at most %d are allowed", slot, len(slot), engine.MaxSlotName)
	}
	if err := wire.CheckName("slot", slot); err != nil {
		return fmt.Errorf("skald: %w", err)
	}
	return nil
}

// Leave takes slots ([Config.Slot]) out of a service's group, so that their partitions go to the other members at once and not only after
// [Config.SessionTimeout]. It is for slots that won't come back, after a scale-down: their processes have been stopped. One that still
// runs joins again. It returns the slots that were no members, which is no error. Of cfg it uses Prefix and what it takes to connect.
func Leave(ctx context.Context, cfg Config, service string, slots ...string) (absent []string, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := wire.CheckName("service", service); err != nil {
		return nil, fmt.Errorf("skald: %w", err)
	}
	for _, slot := range slots {
		if err := checkSlot(slot); err != nil {
			return nil, err
		}
	}
	connection := cfg.connection()
	connection.ClientID = "skald-leave-" + cfg.Instance
	client, err := kgo.NewClient(connection.Options()...)
	if err != nil {
		return nil, fmt.Errorf("skald: %w", err)
	}
	defer client.Close()
	absent, err = engine.Leave(ctx, client, cfg.namespace(), service, slots...)
	if err != nil {
		return absent, fmt.Errorf("skald: service %q: %w", service, connection.Explained(err))
	}
	return absent, nil
}
