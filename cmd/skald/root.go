package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// terminal is where a command reads and writes, and its settings.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	settings *koanf.Koanf
}

func newRoot(in io.Reader, out, errOut io.Writer) *cobra.Command {
	c := &terminal{in: in, out: out, err: errOut}
	root := &cobra.Command{
		Use:   "skald",
		Short: "Choreographed, closed-loop sagas on Kafka",
		Long: `Skald runs sagas without an orchestrator: services chained by events, where the service that begins a saga also ends it.

Try it:  skald up        then open the address that it prints

Every flag can also be set in a YAML file (--config) or as an environment variable: --kafka-addr is SKALD_KAFKA_ADDR.
A flag beats the environment, the environment beats the file.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			c.settings, err = loadSettings(cmd)
			return err
		},
	}
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w (see %s --help)", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.String("config", "", "YAML file with settings, named like the flags")
	flags.String("log-level", "warn", "debug, info, warn or error")
	flags.String("log-format", "text", "text or json")
	flags.Bool("json", false, "print data as JSON on stdout")
	root.AddCommand(newUp(c), newRun(c), newConsole(c), newBroker(c), newStart(c), newLs(c), newTrace(c), newCancel(c), newAbandon(c), newUnblock(c), newDlq(c), newServices(c), newMap(c), newLeave(c), newAudit(c), newPasswd(c), newDoctor(c), newTopics(c), newBench(c), newBenchWorker(c), newVersion(c))
	return root
}

// loadSettings lays the environment over the file and the flags over both.
func loadSettings(cmd *cobra.Command) (*koanf.Koanf, error) {
	flags := cmd.Flags()
	k := koanf.New(".")
	path := os.Getenv("SKALD_CONFIG")
	if f := flags.Lookup("config"); f != nil && f.Changed {
		path = f.Value.String()
	}
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return nil, usage("the settings in %s can't be read: %w", path, err)
		}
		if err := knownKeys(k, cmd.Root(), path); err != nil {
			return nil, err
		}
	}
	named := func(key, value string) (string, any) {
		return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, "SKALD_")), "_", "-"), value
	}
	if err := k.Load(env.Provider(".", env.Opt{Prefix: "SKALD_", TransformFunc: named}), nil); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	if err := k.Load(posflag.Provider(flags, ".", k), nil); err != nil {
		return nil, fmt.Errorf("read the flags: %w", err)
	}
	return k, nil
}

// knownKeys refuses what is no flag of any command: one file serves all.
func knownKeys(k *koanf.Koanf, root *cobra.Command, path string) error {
	known := func(key string) bool {
		return root.PersistentFlags().Lookup(key) != nil ||
			slices.ContainsFunc(root.Commands(), func(cmd *cobra.Command) bool { return cmd.Flags().Lookup(key) != nil })
	}
	var errs []error
	for _, key := range k.Keys() {
		if !known(key) {
			errs = append(errs, usage("%s: there is no setting %q", path, key))
		}
	}
	return errors.Join(errs...)
}

// logger writes for people on a terminal, and JSON where that was asked for.
func (c *terminal) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.settings.String("log-level"))); err != nil {
		return nil, usage("--log-level %q: debug, info, warn and error are allowed", c.settings.String("log-level"))
	}
	switch format := c.settings.String("log-format"); format {
	case "json":
		return slog.New(slog.NewJSONHandler(c.err, &slog.HandlerOptions{Level: level, ReplaceAttr: attrInFlags})), nil
	case "text":
		return slog.New(tint.NewTextHandler(c.err, &tint.Options{
			Level: level, TimeFormat: time.TimeOnly, NoColor: !isTerminal(c.err) || os.Getenv("NO_COLOR") != "", ReplaceAttr: attrInFlags,
		})), nil
	default:
		return nil, usage("--log-format %q: text and json are allowed", format)
	}
}

func isTerminal(readerOrWriter any) bool {
	f, ok := readerOrWriter.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func (c *terminal) json() bool { return c.settings.Bool("json") }
