package bench

import "time"

// Measure is what one turn found. A figure of a process that can't be seen is zero.
type Measure struct {
	Round          int     `json:"round"`
	SagasPerSecond float64 `json:"sagas_per_second"`
	P50            float64 `json:"p50_ms"`
	P99            float64 `json:"p99_ms"`

	// CPU time, user and system, in milliseconds per saga.
	ServicesCPU float64 `json:"services_cpu_ms"`
	LoadCPU     float64 `json:"load_cpu_ms"`
	BrokerCPU   float64 `json:"broker_cpu_ms"`

	// Of the services' heap, per handler call: a saga has four.
	Allocations    float64 `json:"allocations_per_hop"`
	AllocatedBytes float64 `json:"allocated_bytes_per_hop"`

	// Resident memory in MiB at the end of what is measured, all processes together.
	ServicesRSS float64 `json:"services_rss_mib"`
	LoadRSS     float64 `json:"load_rss_mib"`
	BrokerRSS   float64 `json:"broker_rss_mib"`

	// Of the tracker beside a tracked contestant.
	TrackerCPU float64 `json:"tracker_cpu_ms,omitempty"`
	TrackerRSS float64 `json:"tracker_rss_mib,omitempty"`
	BehindP99  float64 `json:"tracker_behind_p99_ms,omitempty"` // how old what it knows was, asked every 20 ms
	BehindMost float64 `json:"tracker_behind_most_ms,omitempty"`

	// Of the whole turn, warm-up included.
	Started int `json:"started"`
	Lost    int `json:"lost"`    // no outcome
	Doubled int `json:"doubled"` // more than one outcome
	Failed  int `json:"failed"`  // an outcome that isn't "completed"
	Strays  int `json:"strays"`  // outcomes of sagas that nobody began
}

// wrong counts the sagas that didn't end as each saga must: once, completed.
func (m *Measure) wrong() int { return m.Lost + m.Doubled + m.Failed + m.Strays }

// snapshot is what the processes have used at one moment.
type snapshot struct {
	services, load, broker, tracker             time.Duration
	servicesRSS, loadRSS, brokerRSS, trackerRSS int64
	memory                                      memory
	behind                                      behind
}

// measure makes the figures of a turn from what the load generator found and two snapshots.
func measure(round int, r *result, open, shut snapshot) *Measure {
	m := &Measure{
		Round: round, P50: milliseconds(r.P50), P99: milliseconds(r.P99),
		Started: r.Started, Lost: r.Lost, Doubled: r.Doubled, Failed: r.Failed, Strays: r.Strays,
		ServicesRSS: mebibytes(shut.servicesRSS), LoadRSS: mebibytes(shut.loadRSS), BrokerRSS: mebibytes(shut.brokerRSS),
		TrackerRSS: mebibytes(shut.trackerRSS), BehindP99: milliseconds(shut.behind.P99), BehindMost: milliseconds(shut.behind.Most),
	}
	if r.Measured == 0 || r.Window <= 0 {
		return m
	}
	sagas := float64(r.Measured)
	m.SagasPerSecond = sagas / r.Window.Seconds()
	m.ServicesCPU = milliseconds(shut.services-open.services) / sagas
	m.LoadCPU = milliseconds(shut.load-open.load) / sagas
	m.BrokerCPU = milliseconds(shut.broker-open.broker) / sagas
	m.TrackerCPU = milliseconds(shut.tracker-open.tracker) / sagas
	m.Allocations = float64(shut.memory.Allocations-open.memory.Allocations) / sagas / hops
	m.AllocatedBytes = float64(shut.memory.Bytes-open.memory.Bytes) / sagas / hops
	return m
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
