package kafka

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// adminConfig is the file in which an administrator of a secured cluster keeps Kafka's own settings for TLS and login.
const adminConfig = "admin.properties"

// Command is a line for a shell that calls one of Kafka's own tools, with its subcommand if need be, for this cluster. Where TLS or a login is needed it names
// a file admin.properties, which whoever runs the command has to have.
func (c Connection) Command(tool string, args ...string) string {
	words := []string{tool, "--bootstrap-server", c.bootstrap()}
	if c.TLS != nil || c.SASL != nil {
		words = append(words, "--command-config", adminConfig)
	}
	return strings.Join(append(words, args...), " ")
}

// TopicCommands are lines for a shell by which an administrator creates topics, in the order given; those that exist are left
// alone. Replication is the cluster's default, as with EnsureTopics.
func (c Connection) TopicCommands(topics []TopicSpec) []string {
	commands := make([]string, 0, len(topics))
	for _, t := range topics {
		args := []string{"--create", "--if-not-exists", "--topic", Quote(t.Name), "--partitions", strconv.Itoa(int(t.Partitions))}
		for _, name := range slices.Sorted(maps.Keys(t.Configs)) {
			args = append(args, "--config", Quote(name+"="+t.Configs[name]))
		}
		commands = append(commands, c.Command("kafka-topics.sh", args...))
	}
	return commands
}

func (c Connection) bootstrap() string {
	if len(c.Brokers) == 0 {
		return defaultBroker
	}
	return Quote(strings.Join(c.Brokers, ","))
}

var plainWord = regexp.MustCompile(`^[a-zA-Z0-9.,:=_/@%+-]+$`)

// Quote makes one word of a text for a POSIX shell.
func Quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
