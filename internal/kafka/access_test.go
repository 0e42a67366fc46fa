package kafka

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
)

// What a person reads when an ACL is missing holds the command that adds it; with it the same request is allowed.
func TestMissingACL(t *testing.T) {
	cluster := secured(t)
	admin := newClientOf(t, Connection{Brokers: cluster.Addrs()})
	if err := EnsureTopics(testContext(t), admin, []TopicSpec{{Name: "acl-topic", Partitions: 1}, {Name: "acl-open", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	c := Connection{Brokers: cluster.AddrsOf(withLogin), SASL: logins(t)[ScramSHA256]}
	user := Connection{Brokers: c.Brokers, SASL: &SASL{Mechanism: Plain, User: alice, Password: password}}
	run(t, allowing(cluster, "User:alice", "--topic acl-open --operation Read --operation Write"))
	for _, test := range []struct {
		resource Resource
		name     string
		request  func(ctx context.Context) error
	}{
		{Topic, "acl-topic", func(ctx context.Context) error {
			return newClientOf(t, c).ProduceSync(ctx, &kgo.Record{Topic: "acl-topic"}).FirstErr()
		}},
		{TransactionalID, "acl-id", func(ctx context.Context) error {
			_, _, err := newClientOf(t, c, kgo.TransactionalID("acl-id")).ProducerID(ctx)
			return err
		}},
		{Group, "acl-group", func(ctx context.Context) error {
			cl := newClientOf(t, c, kgo.ConsumerGroup("acl-group"), kgo.ConsumeTopics("acl-open"))
			defer cl.Close() // else the refused one joins later and takes the partition
			for ctx.Err() == nil {
				fetches := cl.PollFetches(ctx)
				if err := fetches.Err(); err != nil {
					return err
				}
				if fetches.NumRecords() > 0 {
					return nil
				}
			}
			return ctx.Err()
		}},
	} {
		t.Run(string(test.resource), func(t *testing.T) {
			if test.resource == Group {
				if err := admin.ProduceSync(testContext(t), &kgo.Record{Topic: "acl-open", Value: []byte("x")}).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			err := test.request(testContext(t))
			e := user.Explain(About(err, test.resource, test.name))
			t.Log(e)
			for _, want := range []string{"User:alice", c.Brokers[0], string(test.resource) + ` "` + test.name + `"`, "an ACL is missing", "--add"} {
				if !strings.Contains(e.String(), want) {
					t.Errorf("it lacks %q: %s (the error was: %v)", want, e, err)
				}
			}
			if e.Retry {
				t.Error("trying again is said to help")
			}
			run(t, asAdmin(cluster, c, commandIn(e.Fix)))
			if err := test.request(testContext(t)); err != nil {
				t.Errorf("with the ACL: %v", err)
			}
		})
	}
}

// An error that isn't about access stays what it is, and one whose resource isn't known is explained all the same.
func TestAbout(t *testing.T) {
	if err := About(context.Canceled, Topic, "t"); !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
		t.Error(err)
	}
	if err := About(nil, Topic, "t"); err != nil {
		t.Error(err)
	}
}

// commandIn is the command at the end of a fix.
func commandIn(fix string) string {
	return regexp.MustCompile(`kafka-\S+\.sh .*`).FindString(fix)
}

// asAdmin makes a command that needs admin.properties one for the listener at which everybody is an administrator.
func asAdmin(cluster *brokertest.Cluster, c Connection, command string) string {
	command = strings.Replace(command, strings.Join(c.Brokers, ","), cluster.Addrs()[0], 1)
	return strings.Replace(command, " --command-config "+adminConfig, "", 1)
}

func allowing(cluster *brokertest.Cluster, user, what string) string {
	return "kafka-acls.sh --bootstrap-server " + cluster.Addrs()[0] + " --add --allow-principal " + user + " " + what
}

// run types a command.
func run(t *testing.T, command string) {
	t.Helper()
	out, err := brokertest.Type(t, command)
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}
