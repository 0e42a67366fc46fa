package brokertest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	openListener       = "PLAINTEXT"
	controllerListener = "CONTROLLER"
)

// format writes the node's configuration and, with Kafka's own tool, the first records of its metadata log.
func (k *Kafka) format(cluster string, s *settings) error {
	var file strings.Builder
	properties := k.cluster.properties(k, s)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&file, "%s=%s\n", name, properties[name])
	}
	if err := os.WriteFile(k.properties(), []byte(file.String()), 0o600); err != nil {
		return err
	}
	args := []string{"format", "-t", cluster, "-c", k.properties()}
	for _, name := range slices.Sorted(maps.Keys(s.features)) {
		args = append(args, "--feature", fmt.Sprintf("%s=%d", name, s.features[name]))
	}
	for _, user := range slices.Sorted(maps.Keys(s.users)) {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, s.users[user]))
		}
	}
	if out, err := k.java("128m", "kafka.tools.StorageTool", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format Apache Kafka's storage: %w\n%s", err, out)
	}
	return nil
}

func (c *Cluster) properties(k *Kafka, s *settings) map[string]string {
	roles, listeners := "broker", make([]string, 0, len(k.addrs))
	listeners = append(listeners, openListener+"://"+k.Addr)
	protocols := make([]string, 0, len(k.addrs))
	protocols = append(protocols, openListener+":PLAINTEXT", controllerListener+":PLAINTEXT")
	for _, l := range s.listeners {
		listeners = append(listeners, l.Name+"://"+k.addrs[l.Name])
		protocols = append(protocols, l.Name+":"+l.protocol())
	}
	advertised := strings.Join(listeners, ",")
	if c.controls(k) {
		roles += ",controller"
		listeners = append(listeners, controllerListener+"://"+k.addrs[controllerListener])
	}
	replicas := strconv.Itoa(min(len(c.Nodes), 3))
	p := map[string]string{
		"process.roles": roles, "node.id": strconv.Itoa(int(k.ID)),
		"controller.quorum.voters":       c.voters(),
		"controller.listener.names":      controllerListener,
		"inter.broker.listener.name":     openListener,
		"listeners":                      strings.Join(listeners, ","),
		"advertised.listeners":           advertised,
		"listener.security.protocol.map": strings.Join(protocols, ","),
		"log.dirs":                       filepath.Join(k.dir, "data"),

		// Tests write records of any time, and 30 s after its start a broker deletes those that are older than a week.
		"log.retention.ms": "-1",

		"default.replication.factor":                       replicas,
		"offsets.topic.replication.factor":                 replicas,
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    strconv.Itoa(max(1, min(len(c.Nodes)-1, 2))),
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            "1",
		"group.initial.rebalance.delay.ms":                 "0",
		"auto.create.topics.enable":                        "false",
	}
	if len(c.Nodes) > 1 {
		// A node that was killed is noticed after so long; the default is 9 s.
		p["broker.session.timeout.ms"], p["broker.heartbeat.interval.ms"] = "4000", "500"
	}
	if s.acls {
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		p["super.users"] = "User:ANONYMOUS"
	}
	for _, l := range s.listeners {
		maps.Copy(p, l.properties(s.users))
	}
	if c.Certificates != nil {
		maps.Copy(p, c.Certificates.properties())
	}
	maps.Copy(p, s.properties)
	return p
}

func (c *Cluster) controls(k *Kafka) bool { return k.ID == 1 || len(c.Nodes) >= 3 }

func (c *Cluster) voters() string {
	var voters []string
	for _, k := range c.Nodes {
		if c.controls(k) {
			voters = append(voters, fmt.Sprintf("%d@%s", k.ID, k.addrs[controllerListener]))
		}
	}
	return strings.Join(voters, ",")
}

func (l Listener) protocol() string {
	switch {
	case l.TLS && len(l.Mechanisms) > 0:
		return "SASL_SSL"
	case l.TLS:
		return "SSL"
	case len(l.Mechanisms) > 0:
		return "SASL_PLAINTEXT"
	}
	return "PLAINTEXT"
}

func (l Listener) properties(users map[string]string) map[string]string {
	prefix := "listener.name." + strings.ToLower(l.Name) + "."
	p := map[string]string{}
	if l.ClientCertificate {
		p[prefix+"ssl.client.auth"] = "required"
	}
	if len(l.Mechanisms) > 0 {
		p[prefix+"sasl.enabled.mechanisms"] = strings.Join(l.Mechanisms, ",")
	}
	const security = "org.apache.kafka.common.security."
	for _, mechanism := range l.Mechanisms {
		login := security + "scram.ScramLoginModule required;"
		switch mechanism {
		case "PLAIN":
			login = security + "plain.PlainLoginModule required" + plainUsers(users) + ";"
		case "OAUTHBEARER":
			login = security + `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
		}
		p[prefix+strings.ToLower(mechanism)+".sasl.jaas.config"] = login
	}
	return p
}

func plainUsers(users map[string]string) string {
	var b strings.Builder
	for _, user := range slices.Sorted(maps.Keys(users)) {
		fmt.Fprintf(&b, " user_%s=%q", user, users[user])
	}
	return b.String()
}

// giveAddresses finds a free port for each listener of each node. They are taken from below the range from which the
// kernel picks ports for outgoing connections, so that a killed node finds its ports free when it comes back.
func (c *Cluster) giveAddresses(s *settings) error {
	names := make([]string, 0, 2+len(s.listeners))
	names = append(names, openListener, controllerListener)
	for _, l := range s.listeners {
		names = append(names, l.Name)
	}
	for _, k := range c.Nodes {
		k.addrs = map[string]string{}
		for _, name := range names {
			l, err := listenAnywhere()
			if err != nil {
				return err
			}
			defer l.Close() // all stay taken until all are known
			k.addrs[name] = l.Addr().String()
		}
		k.Addr = k.addrs[openListener]
	}
	return nil
}

func listenAnywhere() (l net.Listener, err error) {
	const lowest, count, tries = 20_000, 12_000, 100
	for range tries {
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(count))); err == nil { //nolint:gosec // A port is no secret.
			return l, nil
		}
	}
	return nil, fmt.Errorf("no free port after %d tries: %w", tries, err)
}
