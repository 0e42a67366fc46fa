package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are one service's counters. Names follow https://prometheus.io/docs/practices/naming/.
type metrics struct {
	registry   prometheus.Registerer
	collectors []prometheus.Collector

	committed, aborted, rebuilds, parked, replayed prometheus.Counter
	records                                        struct{ passed, forwarded, ignored prometheus.Counter }
	letters, outcomes, blocked                     *prometheus.CounterVec
	handlers                                       *prometheus.HistogramVec
	open, unfinished, window                       prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer, service string) *metrics {
	m := &metrics{registry: registry}
	labels := prometheus.Labels{"service": service}
	vec := func(name, help string, names ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "skald", Name: name, Help: help, ConstLabels: labels}, names)
		m.collectors = append(m.collectors, v)
		return v
	}
	counter := func(name, help string) prometheus.Counter { return vec(name, help).WithLabelValues() }
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "skald", Name: name, Help: help, ConstLabels: labels})
		m.collectors = append(m.collectors, g)
		return g
	}
	transactions := vec("transactions_total", "Transactions by how they ended.", "result")
	m.committed, m.aborted = transactions.WithLabelValues("committed"), transactions.WithLabelValues("aborted")
	m.rebuilds = counter("sessions_rebuilt_total", "Times that the service joined its group anew after a failed transaction.")
	m.parked = counter("parked_total", "Accepted events whose handlers were slower than their batch and went to the ledger.")
	m.replayed = counter("replayed_total", "Ledger records read when partitions were assigned.")
	records := vec("records_total", "Polled records that no handler saw, by what became of them.", "verdict")
	m.records.passed, m.records.forwarded = records.WithLabelValues("passed"), records.WithLabelValues("forwarded")
	m.records.ignored = records.WithLabelValues("ignored")
	m.letters = vec("dead_letters_total", "Events given up on, by step and class of error.", "step", "class")
	m.blocked = vec("blocked_undos_total", "Undos that became blocked and wait for a person, by step.", "step")
	m.outcomes = vec("outcomes_total", "Sagas ended, by workflow and outcome.", "workflow", "outcome")
	m.handlers = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "skald", Name: "handler_seconds", Help: "Time that handlers took, by step and result.", ConstLabels: labels,
		Buckets: []float64{.0001, .001, .005, .02, .1, .5, 1, 2, 5, 10, 60},
	}, []string{"step", "result"})
	m.collectors = append(m.collectors, m.handlers)
	m.open = gauge("open_sagas", "Sagas that this instance began and that have not ended.")
	m.unfinished = gauge("unfinished_events", "Accepted events whose handlers have not finished.")
	m.window = gauge("dedupe_window_seconds", "How far back ended sagas are remembered, at least.")
	if registry != nil {
		for _, c := range m.collectors {
			registry.MustRegister(c)
		}
	}
	return m
}

// unregister makes room for the service to run again in this process.
func (m *metrics) unregister() {
	if m.registry == nil {
		return
	}
	for _, c := range m.collectors {
		m.registry.Unregister(c)
	}
}

func (m *metrics) observe(s *Session, open, unfinished int) {
	m.open.Set(float64(open))
	m.unfinished.Set(float64(unfinished))
	window := dedupeWindow
	now := time.Now()
	for _, l := range s.ledgers {
		window = min(window, l.DedupeWindow(now))
	}
	m.window.Set(window.Seconds())
}
