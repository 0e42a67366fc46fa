package onboarding

import (
	"context"

	"github.com/skald-saga/skald/services/events"
)

// column is one step of the onboarding as the table shows it.
type column struct {
	Title   string
	Topic   string // input topic of the step
	Service string
	Doing   string // what the service does meanwhile
	Undoing string // and while it undoes that
	Undone  string
}

// columns are the hops of the onboarding, in order; the last one brings the saga home.
var columns = [...]column{
	{"Provisioned", string(events.NewUserTopic), "provisioner", "choosing a device", "Giving back", "Given back"},
	{"Authorized", string(events.AuthorizeTopic), "authorizer", "granting", "Revoking", "Revoked"},
	{"Notified", string(events.NotifyTopic), "notifier", "mailing", "Undoing", "Undone"},
	{"Complete", string(events.NotifiedTopic), "provisioner", "closing", "Undoing", "Undone"},
}

// station is one service of the chain.
type station struct {
	Name       string
	State      string // running, stopped, starting, stopping; unseen if no instance is known
	Role, With string // what it does, alone and before a count
	Topics     []string
}

// stationsOf says how each service is: as `skald up` knows it, else by the heartbeats that the tracker saw.
func (h *handler) stationsOf(ctx context.Context) ([]station, error) {
	stations := []station{
		{Name: "provisioner", State: "unseen", Role: "begins and ends", With: "both ends"},
		{Name: "authorizer", State: "unseen", Role: "grants", With: "grants"},
		{Name: "notifier", State: "unseen", Role: "mails", With: "mails"},
	}
	states, err := h.serviceStates(ctx)
	if err != nil {
		return nil, err
	}
	for i := range stations {
		s := &stations[i]
		if state, ok := states[s.Name]; ok {
			s.State = state
		}
		for _, c := range columns {
			if c.Service == s.Name {
				s.Topics = append(s.Topics, c.Topic)
			}
		}
	}
	return stations, nil
}

func (h *handler) serviceStates(ctx context.Context) (map[string]string, error) {
	states := make(map[string]string)
	if h.b.Demo != nil {
		for _, s := range h.b.Demo.Services.List() {
			states[s.Name] = s.Word()
		}
		return states, nil
	}
	known, err := h.b.Tracker.Services(ctx)
	for _, s := range known {
		states[s.Name] = "stopped"
		for _, instance := range s.Instances {
			if instance.Up {
				states[s.Name] = "running"
			}
		}
	}
	return states, err
}

// Down says whether what is sent to the service waits until someone starts it.
func (s station) Down() bool { return s.State == "stopped" || s.State == "unseen" }
