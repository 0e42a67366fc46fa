package kafka

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Resource is what an ACL is about.
type Resource string

// Resources that Skald touches, by the names that kafka-acls.sh has for them.
const (
	Topic           Resource = "topic"
	Group           Resource = "group"
	TransactionalID Resource = "transactional-id"
	Cluster         Resource = "cluster"
)

// refusals are the errors by which Kafka says that an ACL is missing, and what Skald does with each resource.
var refusals = []struct {
	err        error
	resource   Resource
	operations []string
}{
	{kerr.TopicAuthorizationFailed, Topic, []string{"Describe", "DescribeConfigs", "Read", "Write", "Delete"}}, // Delete is what trimming a ledger needs
	{kerr.GroupAuthorizationFailed, Group, []string{"Describe", "Read"}},
	{kerr.TransactionalIDAuthorizationFailed, TransactionalID, []string{"Describe", "Write"}},
	{kerr.ClusterAuthorizationFailed, Cluster, []string{"Describe", "Create"}},
}

// AccessError is that the user lacks an ACL for a resource.
type AccessError struct {
	Resource Resource
	Name     string
	Err      error

	Prefixed   bool     // whether Name stands for all names that begin so
	Operations []string // that are needed; default all that Skald does with such a resource
}

func (e *AccessError) Error() string { return fmt.Sprintf("%s %q: %v", e.Resource, e.Name, e.Err) }

func (e *AccessError) Unwrap() error { return e.Err }

// About tells what an error is about, which Kafka's don't: one by which Kafka refuses access to such a resource
// becomes an AccessError. Any other error is given back as it is.
func About(err error, resource Resource, name string) error {
	for _, refusal := range refusals {
		if refusal.resource == resource && errors.Is(err, refusal.err) {
			return &AccessError{Resource: resource, Name: name, Err: err}
		}
	}
	return err
}

func (c Connection) explainAccess(err error) (Explanation, bool) {
	if denied, ok := errors.AsType[*CreateDeniedError](err); ok {
		return Explanation{Text: denied.text(), Fix: "an administrator can create them: " + strings.Join(denied.Commands, " && ")}, true
	}
	for _, refusal := range refusals {
		if !errors.Is(err, refusal.err) {
			continue
		}
		name, what, operations := "NAME", "a "+string(refusal.resource), refusal.operations
		var flags []string
		if access, ok := errors.AsType[*AccessError](err); ok && access.Resource == refusal.resource {
			name, what = access.Name, fmt.Sprintf("the %s %q", refusal.resource, access.Name)
			if access.Prefixed {
				what = fmt.Sprintf("a %s %q", refusal.resource, access.Name+"*")
				flags = append(flags, "--resource-pattern-type", "prefixed")
			}
			if access.Operations != nil {
				operations = access.Operations
			}
		}
		flags = append(flags, "--"+string(refusal.resource), Quote(name))
		if refusal.resource == Cluster {
			flags, what = flags[:1], "the cluster as a whole"
		}
		return Explanation{
			Text: fmt.Sprintf("%s at %s has no access to %s: an ACL is missing", c.principal(), c.where(), what),
			Fix:  "an administrator can allow it: " + c.allow(operations, flags...),
		}, true
	}
	return Explanation{}, false
}

// allow is the command by which an administrator adds an ACL.
func (c Connection) allow(operations []string, resource ...string) string {
	user := "User:NAME"
	if p := c.principal(); strings.HasPrefix(p, "User:") {
		user = p
	}
	args := []string{"--add", "--allow-principal", Quote(user)}
	for _, operation := range operations {
		args = append(args, "--operation", operation)
	}
	return c.Command("kafka-acls.sh", append(args, resource...)...)
}
