package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/kafka"
)

// connectionFlags are those of every command that talks to Kafka.
func connectionFlags(flags *pflag.FlagSet) {
	flags.String("brokers", "127.0.0.1:9092", "Kafka brokers, host:port, separated by commas")
	flags.String("prefix", "", "namespace prefix of the topics")
	flags.Bool("tls", false, "encrypt the connections to Kafka; any other --tls-... does so too")
	flags.String("tls-ca", "", "PEM file with the certificates of who signed the brokers' (default: the system's)")
	flags.String("tls-cert", "", "PEM file with a certificate to show to brokers that demand one")
	flags.String("tls-key", "", "PEM file with the key of --tls-cert")
	flags.String("tls-server-name", "", "name that the brokers' certificates have to bear (default: the host of their address)")
	flags.String("sasl-mechanism", "", "log in to Kafka: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
	flags.String("sasl-user", "", "user for PLAIN and SCRAM")
	flags.String("sasl-password", "", "its password, which others on this machine can see here: rather use SKALD_SASL_PASSWORD or a file")
	flags.String("sasl-password-file", "", "file with the password")
	flags.String("sasl-token", "", "token for OAUTHBEARER; rather use SKALD_SASL_TOKEN or a file")
	flags.String("sasl-token-file", "", "file with the token, read again at each login")
}

// kafkaFlags are those of every command that talks to Kafka as a service does.
func kafkaFlags(flags *pflag.FlagSet) {
	connectionFlags(flags)
	flags.Int32("partitions", skald.DefaultPartitions, "partition count of the topics that sagas touch; it can't change under a prefix")
}

// connection gives the settings of a connection, which are sound.
func (c *terminal) connection() (kafka.Connection, error) {
	s := c.settings.String
	conn := kafka.Connection{Brokers: list(s("brokers"))}
	if len(conn.Brokers) == 0 {
		return conn, usage("--brokers is empty: give host:port")
	}
	tls := kafka.TLS{CAFile: s("tls-ca"), CertFile: s("tls-cert"), KeyFile: s("tls-key"), ServerName: s("tls-server-name")}
	if c.settings.Bool("tls") || tls != (kafka.TLS{}) {
		conn.TLS = &tls
	}
	password, err := c.password()
	if err != nil {
		return conn, err
	}
	sasl := kafka.SASL{
		Mechanism: strings.ToUpper(s("sasl-mechanism")), User: s("sasl-user"), Password: password, Token: s("sasl-token"), TokenFile: s("sasl-token-file"),
	}
	if sasl != (kafka.SASL{}) {
		conn.SASL = &sasl
	}
	if err := conn.Check(); err != nil {
		return conn, usage("%s", inFlags(err.Error()))
	}
	conn.Logger, err = c.logger()
	return conn, err
}

func (c *terminal) password() (string, error) {
	given, file := c.settings.String("sasl-password"), c.settings.String("sasl-password-file")
	switch {
	case file == "":
		return given, nil
	case given != "":
		return "", usage("--sasl-password-file: there is a --sasl-password (or SKALD_SASL_PASSWORD) too: give one of them")
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", usage("--sasl-password-file: %w", err)
	}
	password := strings.TrimRight(string(content), "\r\n")
	if password == "" {
		return "", usage("--sasl-password-file: %s is empty", file)
	}
	return password, nil
}

// kafkaConfig gives what services and clients need to know.
func (c *terminal) kafkaConfig() (skald.Config, error) {
	conn, err := c.connection()
	return skald.Config{
		Brokers: conn.Brokers, TLS: (*skald.TLS)(conn.TLS), SASL: (*skald.SASL)(conn.SASL), Logger: conn.Logger,
		AllowOldTransactions: c.settings.Bool("allow-old-transactions"),
		Prefix:               c.settings.String("prefix"), Partitions: int32(c.settings.Int("partitions")), Instance: c.settings.String("instance"),
	}, err
}

// flagWords are the words of explanations that name settings of the library, and what a person types here instead. Each flag is
// a setting in YAML and in the environment, too.
var flagWords = strings.NewReplacer(
	"set SASL, with SASL.Mechanism", "set --sasl-mechanism to", "leave SASL out", "leave --sasl-mechanism out", "SASL is set", "--sasl-mechanism is set",
	"SASL.Mechanism", "--sasl-mechanism", "SASL.User", "--sasl-user", "SASL.Password", "--sasl-password",
	"SASL.TokenFile", "--sasl-token-file", "SASL.Token", "--sasl-token",
	"set TLS (", "set --tls (", "leave TLS out", "leave --tls out", "TLS is ", "--tls is ",
	"TLS.CAFile", "--tls-ca", "TLS.CertFile", "--tls-cert", "TLS.KeyFile", "--tls-key", "TLS.ServerName", "--tls-server-name",
	"correct the address", "correct --brokers", "check the address", "check --brokers", "the list of brokers", "--brokers",
	"give the address of a broker", "give --brokers the address of one", "Brokers: ", "--brokers: ", "\n", "; ",
)

func inFlags(text string) string { return flagWords.Replace(text) }

// attrInFlags does the same for what is logged.
func attrInFlags(_ []string, a slog.Attr) slog.Attr {
	if a.Key != "error" {
		return a
	}
	switch err := a.Value.Any().(type) {
	case string:
		return slog.String(a.Key, inFlags(err))
	case error:
		return slog.String(a.Key, inWords(err))
	}
	return a
}

// inWords gives an error of Kafka the words of its explanation, with the names of flags. Others stay as they are.
func inWords(err error) string {
	_, explained := errors.AsType[*kafka.ExplainedError](err)
	_, setting := errors.AsType[*kafka.SettingError](err)
	if explained || setting {
		return inFlags(err.Error())
	}
	return err.Error()
}

// lookTime is how long one looks what is wrong with a broker at last.
const lookTime = 5 * time.Second

// awaitBroker returns when a broker answers. It says what it waits for, and gives up at once where waiting can't help.
func awaitBroker(ctx context.Context, conn kafka.Connection, atMost time.Duration) error {
	conn.ClientID = "skald-cli"
	quiet := conn
	quiet.Logger = slog.New(slog.DiscardHandler) // what the client has to say WaitForBroker says better
	client, err := kgo.NewClient(quiet.Options()...)
	if err != nil {
		return err
	}
	defer client.Close()
	patience, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	err = kafka.WaitForBroker(patience, client, conn.Logger)
	if last, ok := errors.AsType[*kafka.ExplainedError](err); ok && ctx.Err() == nil {
		look, done := context.WithTimeout(ctx, lookTime)
		defer done()
		return &kafka.ExplainedError{Explanation: conn.Diagnose(look, last.Err), Err: last.Err} // it may be another reason by now
	}
	return err
}
