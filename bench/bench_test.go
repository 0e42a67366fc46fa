package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const workerVariable = "SKALD_BENCH_TEST_WORKER"

// TestMain is also what the bench starts as its workers.
func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		if err := Main(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// small is a run that takes seconds.
func small() Config {
	return Config{
		Brokers: []string{Embedded}, Outstanding: []int{16}, Rounds: 1, Sagas: 200, Partitions: []int{2},
		Patience: 3 * time.Second, Worker: []string{os.Args[0]}, Env: []string{workerVariable + "=1"},
	}
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestRunMeasuresAllContestants(t *testing.T) {
	cfg := small()
	cfg.Processes, cfg.Contestants = []int{2}, Contestants
	var turns int
	cfg.Progress = func(p Progress) {
		if p.Measure != nil {
			turns++
		}
	}
	report, err := Run(bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	if turns != len(Contestants) {
		t.Errorf("progress told of %d turns, want %d", turns, len(Contestants))
	}
	result := report.Results[0]
	for _, st := range result.Contestants {
		m := st.Rounds[0]
		if m.Started < cfg.Sagas || m.SagasPerSecond <= 0 || m.P50 <= 0 || m.P99 < m.P50 || m.Allocations < 10 || m.ServicesRSS <= 1 || m.BrokerRSS <= 1 {
			t.Errorf("%s: implausible figures %+v", st.Contestant, m)
		}
		if tracked := st.Contestant == Tracked; (m.TrackerRSS > 1 && m.BehindMost > 0 && m.BehindP99 <= m.BehindMost) != tracked {
			t.Errorf("%s: implausible figures of a tracker %+v", st.Contestant, m)
		}
	}
	if ratio := result.Ratios[Documented]["allocations_per_hop"]; ratio == nil || ratio.Median <= 0 {
		t.Errorf("no ratio of Skald to %s: %v", Documented, result.Ratios)
	}
	checkOutputs(t, report)
}

func checkOutputs(t *testing.T, report *Report) {
	t.Helper()
	var table, chart, data bytes.Buffer
	if err := errors.Join(report.WriteTable(&table), report.WriteSVG(&chart), report.WriteJSON(&data)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"skald/tuned", "CPU-ms/saga: services", "2 processes, 16 outstanding"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}
	for _, text := range []string{table.String(), chart.String()} {
		if strings.Contains(text, "%!") {
			t.Errorf("a broken format:\n%s", text)
		}
	}
	decoder := xml.NewDecoder(&chart)
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the chart is no XML: %v", err)
		}
	}
	var again Report
	if err := json.Unmarshal(data.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	if again.Results[0].Contestants[0].Rounds[0] != report.Results[0].Contestants[0].Rounds[0] {
		t.Error("the JSON doesn't hold what was measured")
	}
}

func TestRunOfAnOpenLoop(t *testing.T) {
	cfg := small()
	cfg.Outstanding, cfg.Rate, cfg.Duration = nil, 100, time.Second
	cfg.Contestants = []Contestant{Skald}
	report, err := Run(bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	m := report.Results[0].Contestants[0].Rounds[0]
	if m.SagasPerSecond < 50 || m.SagasPerSecond > 150 || m.P50 <= 0 {
		t.Errorf("implausible figures for 100 sagas/s: %+v", m)
	}
}

func TestRunDetectsFaults(t *testing.T) {
	for _, fault := range []string{faultLose, faultDouble} {
		t.Run(fault, func(t *testing.T) {
			cfg := small()
			cfg.Contestants, cfg.fault = []Contestant{Tuned}, fault
			report, err := Run(bounded(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if report.Err() == nil {
				t.Error("the report finds nothing wrong")
			}
			m := report.Results[0].Contestants[0].Rounds[0]
			lost, doubled := m.Lost > 0, m.Doubled > 0
			if lost != (fault == faultLose) || doubled != (fault == faultDouble) {
				t.Errorf("a chain that should %s outcomes gives %+v", fault, m)
			}
			var table bytes.Buffer
			if err := report.WriteTable(&table); err != nil || !strings.Contains(table.String(), "WRONG: tuned, round 1") {
				t.Errorf("the table hides it: %v\n%s", err, &table)
			}
		})
	}
}

func TestRunEndsWithAWorkerThatFails(t *testing.T) {
	cfg := small()
	cfg.Worker, cfg.Env = []string{"false"}, nil
	began := time.Now()
	_, err := Run(bounded(t), cfg)
	if err == nil || !strings.Contains(err.Error(), "the embedded broker") {
		t.Errorf("error %v doesn't name who failed", err)
	}
	if took := time.Since(began); took > stopTimeout {
		t.Errorf("it took %s", took)
	}
}

func TestRunStopsWhenTold(t *testing.T) {
	cfg := small()
	cfg.Sagas = 10_000_000
	ctx, cancel := context.WithCancel(bounded(t))
	cfg.Progress = func(p Progress) {
		if p.Ended > 0 {
			cancel()
		}
	}
	report, err := Run(ctx, cfg)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if report == nil {
		t.Error("no report of what was measured until then")
	}
}

func TestConfigRefusals(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"another machine": func(c *Config) { c.Brokers = []string{"kafka.example.com:9092"} },
		"no port":         func(c *Config) { c.Brokers = []string{"localhost"} },
		"contestant":      func(c *Config) { c.Contestants = []Contestant{"redpanda"} },
		"no load":         func(c *Config) { c.Outstanding = nil },
		"rounds":          func(c *Config) { c.Rounds = 1000 },
		"outstanding":     func(c *Config) { c.Outstanding = []int{256, -1} },
		"duration":        func(c *Config) { c.Duration = time.Hour },
		"surplus":         func(c *Config) { c.Partitions, c.Processes = []int{1}, []int{2} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := small()
			change(&cfg)
			if _, err := Run(t.Context(), cfg); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestScenariosLeaveOutSurplusProcesses(t *testing.T) {
	cfg := Config{Partitions: []int{1, 2}, Processes: []int{1, 2}, Outstanding: []int{256}, Rate: 100}
	got := fmt.Sprint(cfg.scenarios(Apache))
	if want := 6; len(cfg.scenarios(Apache)) != want || strings.Contains(got, "1 partition, 2 processes") {
		t.Errorf("scenarios %s, want %d without more processes than partitions", got, want)
	}
}
