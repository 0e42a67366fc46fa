package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Report is what a run has found.
type Report struct {
	Began    time.Time         `json:"began"`
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"` // of the brokers that the bench asked, by their names in the scenarios
	Rounds   int               `json:"rounds"`
	Seconds  float64           `json:"seconds"` // measured per turn of an open loop
	Results  []Result          `json:"results"`
}

// Result is one scenario's.
type Result struct {
	Scenario    Scenario                          `json:"scenario"`
	Sagas       int                               `json:"sagas,omitempty"` // measured per turn of a closed loop
	Contestants []Standing                        `json:"contestants"`
	Ratios      map[Contestant]map[string]*Spread `json:"ratios,omitempty"` // Skald to the contestant, by figure, round by round
}

// Standing is one contestant's in a scenario.
type Standing struct {
	Contestant Contestant        `json:"contestant"`
	Spreads    map[string]Spread `json:"spreads"` // by figure, over the rounds
	Rounds     []Measure         `json:"rounds"`
}

// figure is one row of the table.
type figure struct {
	name, label string
	of          func(*Measure) float64
	only        Contestant // whose row it is, if not everybody's
}

var figures = []figure{
	{name: "sagas_per_second", label: "sagas/s", of: func(m *Measure) float64 { return m.SagasPerSecond }},
	{name: "p50_ms", label: "p50, ms", of: func(m *Measure) float64 { return m.P50 }},
	{name: "p99_ms", label: "p99, ms", of: func(m *Measure) float64 { return m.P99 }},
	{name: "services_cpu_ms", label: "CPU-ms/saga: services", of: func(m *Measure) float64 { return m.ServicesCPU }},
	{name: "load_cpu_ms", label: "  load generator", of: func(m *Measure) float64 { return m.LoadCPU }},
	{name: "broker_cpu_ms", label: "  broker", of: func(m *Measure) float64 { return m.BrokerCPU }},
	{name: "tracker_cpu_ms", label: "  tracker", of: func(m *Measure) float64 { return m.TrackerCPU }, only: Tracked},
	{name: "allocations_per_hop", label: "allocations/hop", of: func(m *Measure) float64 { return m.Allocations }},
	{name: "allocated_bytes_per_hop", label: "bytes allocated/hop", of: func(m *Measure) float64 { return m.AllocatedBytes }},
	{name: "services_rss_mib", label: "RSS, MiB: services", of: func(m *Measure) float64 { return m.ServicesRSS }},
	{name: "load_rss_mib", label: "  load generator", of: func(m *Measure) float64 { return m.LoadRSS }},
	{name: "broker_rss_mib", label: "  broker", of: func(m *Measure) float64 { return m.BrokerRSS }},
	{name: "tracker_rss_mib", label: "  tracker", of: func(m *Measure) float64 { return m.TrackerRSS }, only: Tracked},
	{name: "tracker_behind_p99_ms", label: "tracker behind, ms: p99", of: func(m *Measure) float64 { return m.BehindP99 }, only: Tracked},
	{name: "tracker_behind_most_ms", label: "  at most", of: func(m *Measure) float64 { return m.BehindMost }, only: Tracked},
}

// add notes a scenario's rounds. Rounds that an error has cut short are left out of the ratios.
func (r *Report) add(s Scenario, sagas int, measures map[Contestant][]Measure) {
	if len(measures) == 0 {
		return
	}
	result := Result{Scenario: s, Ratios: map[Contestant]map[string]*Spread{}}
	if s.Rate == 0 {
		result.Sagas = sagas
	}
	for _, contestant := range Contestants {
		rounds := measures[contestant]
		if len(rounds) == 0 {
			continue
		}
		st := Standing{Contestant: contestant, Rounds: rounds, Spreads: map[string]Spread{}}
		for _, f := range figures {
			st.Spreads[f.name] = spread(each(rounds, f.of))
		}
		result.Contestants = append(result.Contestants, st)
		if contestant != Skald && len(measures[Skald]) > 0 {
			result.Ratios[contestant] = ratios(measures[Skald], rounds)
		}
	}
	r.Results = append(r.Results, result)
}

func each(rounds []Measure, of func(*Measure) float64) []float64 {
	values := make([]float64, len(rounds))
	for i := range rounds {
		values[i] = of(&rounds[i])
	}
	return values
}

// ratios compares within each round, as what the machine does besides changes from round to round.
func ratios(ours, theirs []Measure) map[string]*Spread {
	all := map[string]*Spread{}
	for _, f := range figures {
		var values []float64
		for i := range min(len(ours), len(theirs)) {
			if base := f.of(&theirs[i]); base > 0 {
				values = append(values, f.of(&ours[i])/base)
			}
		}
		if len(values) > 0 {
			s := spread(values)
			all[f.name] = &s
		}
	}
	return all
}

// Err says what no contestant may do: lose a saga, end one twice, or otherwise than begun.
func (r *Report) Err() error {
	var wrong Measure
	for _, result := range r.Results {
		for _, st := range result.Contestants {
			for _, m := range st.Rounds {
				wrong.Started += m.Started
				wrong.Lost += m.Lost
				wrong.Doubled += m.Doubled
				wrong.Failed += m.Failed
				wrong.Strays += m.Strays
			}
		}
	}
	if wrong.wrong() == 0 {
		return nil
	}
	return fmt.Errorf("of %d sagas %d were lost, %d doubled and %d not completed, and %d outcomes belong to none: see the table for whose",
		wrong.Started, wrong.Lost, wrong.Doubled, wrong.Failed, wrong.Strays)
}

// WriteJSON writes everything, each round included.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
