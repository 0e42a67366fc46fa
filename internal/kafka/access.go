package kafka

import (
	"errors"
	"fmt"
	"slices"
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
// becomes an AccessError, which says what is needed if operations are given. Any other error, and one that is an AccessError
// already, is given back as it is.
func About(err error, resource Resource, name string, operations ...string) error {
	if _, known := errors.AsType[*AccessError](err); known {
		return err
	}
	for _, refusal := range refusals {
		if refusal.resource == resource && errors.Is(err, refusal.err) {
			return &AccessError{Resource: resource, Name: name, Err: err, Operations: operations}
		}
	}
	return err
}

// accessErrors are those of an error's tree that need the same as the first of them.
func accessErrors(err error) []*AccessError {
	var found []*AccessError
	var walk func(error)
	walk = func(err error) {
		access, ok := err.(*AccessError) //nolint:errorlint // The walk unwraps.
		switch {
		case ok && (len(found) == 0 || found[0].like(access)):
			found = append(found, access)
		case ok:
		default:
			switch wrapper := err.(type) { //nolint:errorlint // The walk unwraps.
			case interface{ Unwrap() error }:
				walk(wrapper.Unwrap())
			case interface{ Unwrap() []error }:
				for _, inner := range wrapper.Unwrap() {
					walk(inner)
				}
			}
		}
	}
	walk(err)
	return found
}

func (e *AccessError) like(other *AccessError) bool {
	return e.Resource == other.Resource && e.Prefixed == other.Prefixed && slices.Equal(e.Operations, other.Operations)
}

func (c Connection) explainAccess(err error) (Explanation, bool) {
	if denied, ok := errors.AsType[*CreateDeniedError](err); ok {
		return Explanation{Text: denied.text(), Fix: "an administrator can create them: " + strings.Join(denied.Commands, " && ")}, true
	}
	for _, refusal := range refusals {
		if !errors.Is(err, refusal.err) {
			continue
		}
		flag := "--" + string(refusal.resource)
		what, operations, flags := "a "+string(refusal.resource), refusal.operations, []string{flag, "NAME"}
		if all := accessErrors(err); len(all) > 0 && all[0].Resource == refusal.resource {
			what, flags = named(all)
			if all[0].Operations != nil {
				operations = all[0].Operations
			}
		}
		if refusal.resource == Cluster {
			flags, what = []string{flag}, "the cluster as a whole"
		}
		return Explanation{
			Text: fmt.Sprintf("%s at %s has no access to %s: an ACL is missing", c.principal(), c.where(), what),
			Fix:  "an administrator can allow it: " + c.allow(operations, flags...),
		}, true
	}
	return Explanation{}, false
}

// named says what errors of one kind are about, in words and for kafka-acls.sh.
func named(all []*AccessError) (what string, flags []string) {
	resource := string(all[0].Resource)
	names := make([]string, 0, len(all))
	if all[0].Prefixed {
		flags = append(flags, "--resource-pattern-type", "prefixed")
	}
	for _, access := range all {
		flags = append(flags, "--"+resource, Quote(access.Name))
		name := access.Name
		if access.Prefixed {
			name += "*"
		}
		names = append(names, fmt.Sprintf("%q", name))
	}
	switch {
	case len(names) > 1:
		return fmt.Sprintf("the %ss %s", resource, strings.Join(names, ", ")), flags
	case all[0].Prefixed:
		return fmt.Sprintf("a %s %s", resource, names[0]), flags
	}
	return fmt.Sprintf("the %s %s", resource, names[0]), flags
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
