package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[99-i] = i + 1
	}
	for _, c := range []struct {
		values []int
		p      int
		want   int
	}{
		{nil, 50, 0},
		{[]int{7}, 1, 7},
		{[]int{7}, 99, 7},
		{[]int{15, 20, 35, 40, 50}, 30, 20}, // the textbook's example
		{[]int{15, 20, 35, 40, 50}, 40, 20},
		{[]int{15, 20, 35, 40, 50}, 50, 35},
		{[]int{15, 20, 35, 40, 50}, 100, 50},
		{[]int{50, 15, 40, 20, 35}, 30, 20}, // in any order
		{hundred, 50, 50},
		{hundred, 99, 99},
	} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("p%d of %v is %d, want %d", c.p, c.values, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
		{[]float64{4, 1, 2, 9}, Spread{3, 1, 9}},
	} {
		if diff := cmp.Diff(c.want, spread(c.values)); diff != "" {
			t.Errorf("spread of %v (-want +got):\n%s", c.values, diff)
		}
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	var r Report
	r.add(Scenario{}, 1, map[Contestant][]Measure{
		Skald: {{SagasPerSecond: 100}, {SagasPerSecond: 50}, {SagasPerSecond: 90}},
		Tuned: {{SagasPerSecond: 200}, {SagasPerSecond: 50}, {SagasPerSecond: 100}}, // 0.5, 1, 0.9: the medians' ratio would be 0.9 too
	})
	got := *r.Results[0].Ratios[Tuned]["sagas_per_second"]
	if diff := cmp.Diff(Spread{Median: 0.9, Min: 0.5, Max: 1}, got); diff != "" {
		t.Errorf("ratio (-want +got):\n%s", diff)
	}
	if r.Results[0].Ratios[Tuned]["p50_ms"] != nil {
		t.Error("a ratio to what wasn't measured")
	}
}

func TestNumbersHaveThreeFigures(t *testing.T) {
	for v, want := range map[float64]string{12345.6: "12346", 123.4: "123", 12.34: "12.3", 1.234: "1.23", 0.9996: "1.00", 0.1234: "0.123", 9.996: "10.0", 99.96: "100"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) is %s, want %s", v, got, want)
		}
	}
}

func TestCeilingIsARoundNumber(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 0.31: 0.4, 7: 8, 4699: 5000, 12001: 20000, 100: 100} {
		if got := ceiling(v); got < want*0.999 || got > want*1.001 {
			t.Errorf("ceiling(%v) is %v, want %v", v, got, want)
		}
	}
}
