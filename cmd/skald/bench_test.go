package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skald-saga/skald/bench"
)

func TestBenchRefusesBadInput(t *testing.T) {
	for name, args := range map[string][]string{
		"no number":       {"--outstanding", "many"},
		"another machine": {"--broker", "kafka.example.com:9092"},
		"nothing to do":   {"--outstanding", "", "--rate", "0"},
		"too much":        {"--rounds", "1000"},
		"an argument":     {"apache"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if code := run(t.Context(), append([]string{"bench"}, args...), nil, &out, &errOut); code != exitUsage {
				t.Errorf("exit code %d, want %d: %s", code, exitUsage, &errOut)
			}
			if out.Len() > 0 || errOut.Len() == 0 {
				t.Errorf("stdout %q, stderr %q", &out, &errOut)
			}
		})
	}
}

// TestBench needs a binary: the bench starts it again as its workers.
func TestBench(t *testing.T) {
	dir := t.TempDir()
	binary, chart := filepath.Join(dir, "skald"), filepath.Join(dir, "bench.svg")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary, "bench", "--rounds", "1", "--sagas", "200", "--outstanding", "16", "--rate", "0",
		"--contestants", "skald,tuned", "--json", "-", "--svg", chart)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &errOut)
	}
	var report bench.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Results) != 1 || len(report.Results[0].Contestants) != 2 {
		t.Errorf("stdout is no report of two contestants: %v\n%s", err, &out)
	}
	for _, want := range []string{"2 of 2: embedded, 4 partitions, 1 process, 16 outstanding, round 1, tuned", "skald/tuned"} {
		if !strings.Contains(errOut.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, &errOut)
		}
	}
	if svg, err := os.ReadFile(chart); err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
		t.Errorf("no chart: %v", err)
	}
}
