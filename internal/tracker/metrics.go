package tracker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	collectors []prometheus.Collector

	records prometheus.Counter
	skipped *prometheus.CounterVec
	commits prometheus.Histogram
	pruned  prometheus.Counter
}

func newMetrics(t *Tracker) *metrics {
	const namespace, subsystem = "skald", "tracker"
	m := &metrics{
		records: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "records_total", Help: "Records read, those that tell nothing included.",
		}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "skipped_total", Help: "Records that tell nothing of a saga, by why.",
		}, []string{"reason"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "commit_seconds", Help: "Time to write one batch to the store.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5},
		}),
	}
	m.pruned = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "pruned_sagas_total", Help: "Sagas deleted from the store, as they were over for long or there were too many.",
	})
	lag := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "lag_records", Help: "Records that were in the log at the last look and are still to be read.",
	}, func() float64 { return float64(t.lag.read(time.Now()).Records) })
	age := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "lag_seconds", Help: "How long ago everything in the log had been read.",
	}, func() float64 { return t.lag.read(time.Now()).Age.Seconds() })
	writes := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "writes", Help: "1 if this tracker writes to its database, 0 if another one does.",
	}, func() float64 {
		if t.writes.Load() {
			return 1
		}
		return 0
	})
	m.collectors = []prometheus.Collector{m.records, m.skipped, m.commits, m.pruned, lag, age, writes}
	return m
}

func (m *metrics) register(r prometheus.Registerer) {
	if r != nil {
		r.MustRegister(m.collectors...)
	}
}

// unregister makes room for the tracker to run again.
func (m *metrics) unregister(r prometheus.Registerer) {
	if r == nil {
		return
	}
	for _, c := range m.collectors {
		r.Unregister(c)
	}
}
