package skaldsql_test

import (
	"fmt"
	"testing"
)

// BenchmarkOnce is a whole transaction with an effect of one statement, as `skald up` would run it.
func BenchmarkOnce(b *testing.B) {
	ctx, db := b.Context(), openMemory(b)
	var n int
	for b.Loop() {
		n++
		if _, err := do(ctx, db, fmt.Sprint(n), 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "effects/s")
}
