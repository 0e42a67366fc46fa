package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
)

const (
	secure   = "SECURE" // the listener that demands TLS and a login
	password = "a=secret word"
)

var theSecured struct {
	once    sync.Once
	cluster *brokertest.Cluster
	err     error
}

// secured gives the Apache Kafka that demands TLS, logins and ACLs; brokertest.Main stops it.
func secured(t *testing.T) *brokertest.Cluster {
	t.Helper()
	brokertest.NeedsApache(t)
	theSecured.once.Do(func() {
		users := map[string]string{}
		for _, user := range append([]string{"stranger"}, serviceNames...) {
			users[user] = password
		}
		theSecured.cluster, theSecured.err = brokertest.StartCluster(1,
			brokertest.WithListeners(brokertest.Listener{
				Name: secure, TLS: true, Mechanisms: []string{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512, kafka.OAuthBearer},
			}),
			brokertest.WithUsers(users), brokertest.WithACLs())
	})
	if theSecured.err != nil {
		t.Fatal(theSecured.err)
	}
	return theSecured.cluster
}

func fileOf(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// login are the flags by which a user comes in, all secrets in files.
func login(t *testing.T, cluster *brokertest.Cluster, mechanism, user string) []string {
	t.Helper()
	flags := []string{"--brokers", cluster.AddrsOf(secure)[0], "--tls-ca", cluster.Certificates.CAFile, "--sasl-mechanism", mechanism}
	if mechanism != kafka.OAuthBearer {
		return append(flags, "--sasl-user", user, "--sasl-password-file", fileOf(t, password+"\n"))
	}
	token, err := brokertest.UnsecuredToken(user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return append(flags, "--sasl-token-file", fileOf(t, token))
}

// administrator is a client of somebody who may do all.
func administrator(t *testing.T, cluster *brokertest.Cluster) (*kgo.Client, *kadm.Client) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, kadm.NewClient(client)
}

// createTopics makes what skald topics prints.
func createTopics(t *testing.T, client *kgo.Client, prefix string) {
	t.Helper()
	var out, errOut lockedBuffer
	if code := run(context.Background(), []string{"topics", "--json", "--prefix", prefix, "--partitions", "4"}, strings.NewReader(""), &out, &errOut); code != exitOK {
		t.Fatalf("skald topics: exit %d, %s", code, errOut.String())
	}
	var specs []skald.TopicSpec
	if err := json.Unmarshal([]byte(out.String()), &specs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := kafka.EnsureTopics(ctx, client, wanted(specs)); err != nil {
		t.Fatal(err)
	}
}

// allow adds ACLs as docs/operations.md lists them.
func allow(t *testing.T, admin *kadm.Client, user string, pattern kadm.ACLPattern, resource *kadm.ACLBuilder, operations ...kadm.ACLOperation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	created, err := admin.CreateACLs(ctx, resource.ResourcePatternType(pattern).Allow("User:"+user).AllowHosts().Operations(operations...))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range created {
		if c.Err != nil {
			t.Fatal(c.Err)
		}
	}
}

// allowService adds what a service needs, and no more.
func allowService(t *testing.T, admin *kadm.Client, prefix, service string, inputs, outputs []string) {
	t.Helper()
	exactly, beginning := kadm.ACLPatternLiteral, kadm.ACLPatternPrefixed
	topics := func(names ...string) *kadm.ACLBuilder {
		for i := range names {
			names[i] = prefix + names[i]
		}
		return kadm.NewACLs().Topics(names...)
	}
	own := "skald." + service
	allow(t, admin, service, exactly, topics(inputs...), kadm.OpRead)
	allow(t, admin, service, exactly, topics(append(outputs, "skald.dlq", "skald.services")...), kadm.OpWrite)
	allow(t, admin, service, exactly, topics(own+".inbox"), kadm.OpRead, kadm.OpWrite)
	allow(t, admin, service, exactly, topics(own+".ledger"), kadm.OpRead, kadm.OpWrite, kadm.OpDelete)
	allow(t, admin, service, exactly, topics("skald.outcomes"), kadm.OpRead, kadm.OpWrite)
	allow(t, admin, service, exactly, topics("skald.cancel"), kadm.OpRead)
	allow(t, admin, service, exactly, kadm.NewACLs().Groups(prefix+own), kadm.OpRead)
	allow(t, admin, service, beginning, kadm.NewACLs().TransactionalIDs(prefix+own+"."), kadm.OpWrite)
}

// Each service has a user of its own that may do what it needs and no more; nobody may create topics. All ways to log in are used.
func TestSagaThroughASecuredCluster(t *testing.T) {
	cluster := secured(t)
	client, admin := administrator(t, cluster)
	const prefix = "safe."
	createTopics(t, client, prefix)
	allowService(t, admin, prefix, "provisioner", []string{"new-user", "notified"}, []string{"authorize"})
	allowService(t, admin, prefix, "authorizer", []string{"authorize"}, []string{"notify"})
	allowService(t, admin, prefix, "notifier", []string{"notify"}, []string{"notified"})
	allow(t, admin, "starter", kadm.ACLPatternLiteral, kadm.NewACLs().Topics(prefix+"new-user"), kadm.OpWrite)
	allow(t, admin, "starter", kadm.ACLPatternLiteral, kadm.NewACLs().Topics(prefix+"skald.outcomes"), kadm.OpRead)
	allow(t, admin, "watcher", kadm.ACLPatternPrefixed, kadm.NewACLs().Topics(prefix), kadm.OpRead)

	mails, data := mailServer(t), t.TempDir()
	namespace := []string{"--prefix", prefix, "--partitions", "4"}
	settings := fmt.Sprintf("prefix: %s\npartitions: 4\nbrokers: %s\ntls-ca: %s\nsasl-mechanism: scram-sha-512\nsasl-user: provisioner\nsasl-password: %q\n",
		prefix, cluster.AddrsOf(secure)[0], cluster.Certificates.CAFile, password)
	background(t, "run", "provisioner", "--data", data, "--config", fileOf(t, settings))
	background(t, append(append([]string{"run", "authorizer", "--data", data}, namespace...), login(t, cluster, kafka.Plain, "authorizer")...)...)
	background(t, append(append([]string{"run", "notifier", "--smtp-addr", mails.Addr()}, namespace...), login(t, cluster, kafka.ScramSHA256, "notifier")...)...)
	out := background(t, append([]string{"console", "--addr", "127.0.0.1:0", "--prefix", prefix}, login(t, cluster, kafka.OAuthBearer, "watcher")...)...)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{console: strings.TrimSpace(strings.TrimPrefix(line, "Skald console: "))}

	var stdout, stderr lockedBuffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	code := run(ctx, append([]string{"start", "onboarding", ada, "--watch", "--prefix", prefix}, login(t, cluster, kafka.OAuthBearer, "starter")...),
		strings.NewReader(""), &stdout, &stderr)
	if code != exitOK || !strings.Contains(stdout.String(), "completed") {
		t.Fatalf("exit %d, %s%s", code, stdout.String(), stderr.String())
	}
	eventually(t, "in the tracker", func() bool { return i.completed(t) >= 1 })
	if mails.Count() != 1 {
		t.Errorf("%d mails", mails.Count())
	}

	beginning := kadm.ACLPatternPrefixed
	allow(t, admin, "examiner", beginning, kadm.NewACLs().Topics(prefix), kadm.OpDescribe, kadm.OpDescribeConfigs, kadm.OpRead)
	allow(t, admin, "examiner", beginning, kadm.NewACLs().Topics(prefix+"skald.doctor."), kadm.OpCreate, kadm.OpWrite, kadm.OpDelete)
	allow(t, admin, "examiner", beginning, kadm.NewACLs().Groups(prefix+"skald."), kadm.OpDescribe)
	allow(t, admin, "examiner", kadm.ACLPatternLiteral, kadm.NewACLs().Clusters(), kadm.OpDescribe)
	code, _, text := examine(t, append([]string{"provisioner", "authorizer", "notifier", "--data", data}, append(namespace, login(t, cluster, kafka.ScramSHA512, "stranger")...)...)...)
	if code != exitOK || !strings.Contains(text, "not examined") {
		t.Errorf("without ACLs: exit %d\n%s", code, text)
	}
	code, _, text = examine(t, append([]string{"provisioner", "authorizer", "notifier", "--data", data}, append(namespace, login(t, cluster, kafka.OAuthBearer, "examiner")...)...)...)
	if code != exitOK || strings.Contains(text, "not examined") {
		t.Errorf("with ACLs: exit %d\n%s", code, text)
	}
}

// What skald run prints when an ACL is missing can be typed as it is, until nothing is missing any more.
func TestMissingACLsAreNamedOneAfterTheOther(t *testing.T) {
	cluster := secured(t)
	client, _ := administrator(t, cluster)
	const prefix = "strange."
	createTopics(t, client, prefix)
	args := append([]string{"run", "authorizer", "--data", t.TempDir(), "--prefix", prefix, "--partitions", "4"}, login(t, cluster, kafka.ScramSHA512, "stranger")...)
	command := regexp.MustCompile(`kafka-acls\.sh .*`)
	const most = 6
	for round := 1; ; round++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		errOut := &joining{joined: cancel}
		code := run(ctx, args, strings.NewReader(""), errOut, errOut)
		cancel()
		said := errOut.String()
		if code == exitOK && strings.Contains(said, "authorizer has joined its group") {
			t.Logf("it runs after %d fixes", round-1)
			if round == 1 {
				t.Error("no ACL was missing: the test shows nothing")
			}
			return
		}
		complaint := only(t, said)
		t.Log(complaint)
		fix := command.FindString(complaint)
		if code != exitFailure || fix == "" || !strings.Contains(complaint, "User:stranger at "+cluster.AddrsOf(secure)[0]) || round > most {
			t.Fatalf("round %d: exit %d, %s", round, code, said)
		}
		fix = strings.Replace(fix, cluster.AddrsOf(secure)[0], cluster.Addrs()[0], 1) // where everybody is an administrator
		fix = strings.Replace(fix, " --command-config admin.properties", "", 1)
		if out, err := brokertest.Type(t, fix); err != nil {
			t.Fatalf("%s: %v\n%s", fix, err, out)
		}
	}
}

// Who may see nothing is told so, by each command, with the command that changes it.
func TestMissingACLsOfOtherCommands(t *testing.T) {
	cluster := secured(t)
	client, _ := administrator(t, cluster)
	const prefix = "closed."
	createTopics(t, client, prefix)
	for _, test := range []struct {
		args []string
		says []string
	}{
		{[]string{"console", "--addr", "127.0.0.1:0"}, []string{`"closed.skald.services"`, "--operation Describe --operation Read --topic closed.", "--topic closed.skald.services"}},
		{[]string{"start", "onboarding", ada}, []string{"nothing was started", `topic "closed.new-user"`, "--operation Write --topic closed.new-user"}},
	} {
		var out, errOut lockedBuffer
		code := run(context.Background(), append(append(test.args, "--prefix", prefix), login(t, cluster, kafka.OAuthBearer, "nobody")...), strings.NewReader(""), &out, &errOut)
		said := only(t, errOut.String())
		if code != exitFailure {
			t.Errorf("%s: exit %d", test.args, code)
		}
		for _, want := range append(test.says, cluster.AddrsOf(secure)[0], "an ACL is missing", "kafka-acls.sh") {
			if !strings.Contains(said, want) {
				t.Errorf("%s: it lacks %q: %s", test.args, want, said)
			}
		}
	}
}

// joining calls joined when a service says that it has joined its group.
type joining struct {
	lockedBuffer

	joined func()
}

func (j *joining) Write(p []byte) (int, error) {
	n, err := j.lockedBuffer.Write(p)
	if strings.Contains(j.String(), "has joined its group") {
		j.joined()
	}
	return n, err
}

// only gives the one line in which a command complains.
func only(t *testing.T, errOut string) string {
	t.Helper()
	var complaints []string
	for line := range strings.Lines(errOut) {
		if strings.HasPrefix(line, "skald: ") {
			complaints = append(complaints, strings.TrimSpace(line))
		}
	}
	if len(complaints) != 1 || !strings.HasSuffix(errOut, complaints[0]+"\n") {
		t.Errorf("want one line that complains, at the end:\n%s", errOut)
		return ""
	}
	return complaints[0]
}
