package authorizer

import (
	"context"
	_ "embed"
	"log/slog"
	"sync"
	"time"

	"github.com/cedar-policy/cedar-go"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
)

// checkEvery bounds how often the file is looked at, and so how long a change of it takes to have an effect.
const checkEvery = time.Second

//go:embed policies.cedar
var defaultDocument string

// DefaultDocument is the text of the policies that hold when nobody has written others: something to begin a file with.
func DefaultDocument() string { return defaultDocument }

// Policies are the rules by which entitlements are granted. They are safe for concurrent use.
type Policies struct {
	path   string // empty for the default ones
	logger *slog.Logger

	mu       sync.Mutex
	checked  time.Time
	document string
	problem  string // that was logged last
	rules    *rules
}

// OpenPolicies reads the policies from a file, or takes the default ones if path is empty. A file with a mistake is refused, with its
// line. From then on the file is looked at again when it is used, once a second at most: what has changed holds from the next grant on,
// and while the file is missing, empty or has a mistake in it, the former policies stay in force, which is logged.
func OpenPolicies(path string, logger *slog.Logger) (*Policies, error) {
	p := &Policies{path: path, logger: logger, document: defaultDocument}
	if path != "" {
		var err error
		if p.document, err = readDocument(path); err != nil {
			return nil, err
		}
	}
	var err error
	p.rules, err = parse(path, p.document)
	p.checked = time.Now()
	return p, err
}

// Entitled gives what the policies permit a user with that device, in the order in which the file names it.
func (p *Policies) Entitled(ctx context.Context, user events.User, device events.Device) []string {
	rules := p.inForce()
	request, entities := question(user, device)
	var entitled []string
	for _, action := range rules.actions {
		request.Action = cedar.NewEntityUID("Action", cedar.String(action))
		decision, diagnostic := cedar.Authorize(rules.policies, entities, request)
		if decision == cedar.Allow {
			entitled = append(entitled, action)
		}
		for _, e := range diagnostic.Errors {
			if rules.firstError(e) {
				skald.Logger(ctx).Warn("a policy can't be evaluated and counts as if it weren't there",
					"file", p.path, "line", e.Position.Line, "error", e.Message)
			}
		}
	}
	return entitled
}

// question puts the user and the device as Cedar's entities. A user without a device is asked about a device that nobody knows, so
// that policies about attributes of it don't apply.
func question(user events.User, device events.Device) (cedar.Request, cedar.EntityMap) {
	principal := cedar.NewEntityUID("User", cedar.String(user.Email))
	resource := cedar.NewEntityUID("Device", cedar.String(device.Serial))
	department := cedar.NewEntityUID("Department", cedar.String(user.Department))
	entities := cedar.EntityMap{
		principal: {
			UID:     principal,
			Parents: cedar.NewEntityUIDSet(department),
			Attributes: cedar.NewRecord(cedar.RecordMap{
				"name": cedar.String(user.Name), "email": cedar.String(user.Email), "department": cedar.String(user.Department),
			}),
		},
	}
	if device != (events.Device{}) {
		entities[resource] = cedar.Entity{
			UID: resource,
			Attributes: cedar.NewRecord(cedar.RecordMap{
				"type": cedar.String(device.Type), "model": cedar.String(device.Model),
			}),
		}
	}
	return cedar.Request{Principal: principal, Resource: resource}, entities
}

// inForce looks at the file if it is time to. The whole of it is compared and not its time of change, which may stay the same over
// two quick edits; a file of policies is small.
func (p *Policies) inForce() *rules {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.path == "" || time.Since(p.checked) < checkEvery {
		return p.rules
	}
	p.checked = time.Now()
	document, err := readDocument(p.path)
	if err == nil && document != p.document {
		err = p.adopt(document)
	}
	switch {
	case err == nil:
		p.problem = ""
	case err.Error() != p.problem:
		p.problem = err.Error()
		p.logger.Error("the policies can't be read again, the former ones stay in force", "file", p.path, "error", err)
	}
	return p.rules
}

func (p *Policies) adopt(document string) error {
	rules, err := parse(p.path, document)
	if err != nil {
		return err
	}
	p.document, p.rules = document, rules
	p.logger.Info("the policies have changed", "file", p.path, "entitlements", rules.actions)
	return nil
}
