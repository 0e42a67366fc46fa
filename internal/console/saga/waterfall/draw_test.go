package waterfall

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

func done(service, topic string, queued, started, finished float64) tracker.Step {
	return tracker.Step{Service: service, Topic: topic, EventID: topic, State: tracker.StepDone, Queued: at(queued), Accepted: at(queued), Started: at(started), Finished: at(finished)}
}

// brief says each bar in a line: class, lane, from, width, label.
func brief(c *Chart) (lines []string) {
	for _, b := range append(append(append([]Bar{}, c.Queued...), c.Bars...), c.Next...) {
		lines = append(lines, fmt.Sprintf("%s %s %.1f+%.1f %s", b.Class, c.Lanes[b.Y/laneHeight].Service, float64(b.X), float64(b.W), b.Label))
	}
	return lines
}

func TestCompletedSagaIsToScale(t *testing.T) {
	saga := tracker.Saga{Status: wire.Completed, Outcome: wire.Completed, Started: at(0), Ended: at(10), Steps: []tracker.Step{
		done("provisioner", "new-user", 0, 1, 3), done("authorizer", "authorize", 3, 3, 8), done("provisioner", "notified", 8, 9, 10),
	}}
	c := Draw(Input{Saga: saga, Now: at(99)})
	want := []string{
		"w-queue provisioner 0.0+9.4 ", "w-queue provisioner 75.2+9.4 ",
		"w-run provisioner 9.4+18.8 2.00 s", "w-run authorizer 28.2+47.0 5.00 s", "w-run provisioner 84.6+9.4 1.00 s",
	}
	if diff := cmp.Diff(want, brief(c)); diff != "" {
		t.Errorf("wanted (-), drawn (+):\n%s", diff)
	}
	if c.Now || c.Tip != nil || c.Closed == nil || c.Closed.Outcome != wire.Completed || c.Height != 2*laneHeight || len(c.Cuts) != 0 {
		t.Errorf("%+v", c)
	}
	if len(c.Strands) != 1 || strings.Count(c.Strands[0].Path, "C") != 2 {
		t.Errorf("the thread is %+v, want one that changes lanes twice", c.Strands)
	}
	var ticks []string
	for _, tick := range c.Ticks {
		ticks = append(ticks, fmt.Sprintf("%.1f %s", float64(tick.X), tick.Label))
	}
	if diff := cmp.Diff([]string{"0.0 0 s", "18.8 +2 s", "37.6 +4 s", "56.4 +6 s", "75.2 +8 s"}, ticks); diff != "" {
		t.Errorf("wanted (-), drawn (+):\n%s", diff)
	}
	if c.Words != "provisioner took new-user in 2.00 s. authorizer took authorize in 5.00 s. provisioner took notified in 1.00 s." {
		t.Error(c.Words)
	}
}

func TestFailedAttemptsAndWhatIsToCome(t *testing.T) {
	current := tracker.Step{Service: "authorizer", Topic: "authorize", EventID: "e", State: tracker.StepRetrying, Queued: at(2), Accepted: at(2), Attempt: 2, Due: at(20)}
	c := Draw(Input{
		Saga: tracker.Saga{Status: tracker.Retrying, Started: at(0), Steps: []tracker.Step{done("provisioner", "new-user", 0, 0, 2), current}}, Now: at(10),
		Failed: []Attempt{{EventID: "e", Number: 2, At: at(8), Due: at(20), Error: "503"}, {EventID: "e", Number: 1, At: at(4), Due: at(6), Error: "503\nstack"}, {EventID: "another", Number: 1, At: at(5)}},
		Ahead:  []Ahead{{Service: "authorizer", Label: "attempt 3"}, {Service: "notifier", Label: "notify"}},
	})
	want := []string{
		"w-run provisioner 0.0+14.2 2.00 s", "w-fail authorizer 14.2+14.2 attempt 1", "w-fail authorizer 42.6+14.2 attempt 2",
		"w-next authorizer 78.4+5.4 attempt 3", "w-next notifier 91.9+5.4 notify",
	}
	if diff := cmp.Diff(want, brief(c)); diff != "" {
		t.Errorf("wanted (-), drawn (+):\n%s", diff)
	}
	if c.Tip == nil || !c.Tip.Due.Equal(at(20)) || c.Tip.X != 71 || !c.Now || c.Future != 71 {
		t.Errorf("%+v, %+v", c.Tip, c)
	}
	var classes []string
	for _, s := range c.Strands {
		classes = append(classes, s.Class)
	}
	if got := strings.Join(classes, ","); got != ",wait,,wait,next" {
		t.Errorf("the thread has the parts %q", got)
	}
	if c.Bars[1].Title != "attempt 1 failed: 503" {
		t.Error(c.Bars[1].Title)
	}
}

// A finished wait of more than a third of the chart is cut out, and what comes after it is to scale with what came before.
func TestLongWaitsAreCutOut(t *testing.T) {
	saga := tracker.Saga{Status: wire.Completed, Outcome: wire.Completed, Started: at(0), Ended: at(7210), Steps: []tracker.Step{
		done("provisioner", "new-user", 0, 0, 2), done("authorizer", "authorize", 2, 7202, 7210),
	}}
	c := Draw(Input{Saga: saga, Now: at(9999)})
	if len(c.Cuts) != 1 || c.Cuts[0].Label != "2 h 0 min" {
		t.Fatalf("%+v", c.Cuts)
	}
	first, second := float64(c.Bars[0].W), float64(c.Bars[1].W)
	if ratio := second / first; ratio < 3.99 || ratio > 4.01 || first < 15 {
		t.Errorf("2 s and 8 s are %.1f and %.1f wide", first, second)
	}
	for _, tick := range c.Ticks {
		if x := float64(tick.X); x > float64(c.Queued[0].X)+.01 && x < float64(c.Bars[1].X)-.01 {
			t.Errorf("a tick lies in what is cut out: %+v", tick)
		}
	}
}

// How long a wait was is said before the line of now, whatever room the cut has.
func TestTheWordsOfACutEndBeforeNow(t *testing.T) {
	halted := tracker.Step{Service: "authorizer", Topic: "authorize", EventID: "e", State: tracker.StepHalted, Queued: at(2), Accepted: at(2)}
	c := Draw(Input{
		Saga: tracker.Saga{Status: tracker.Halted, Started: at(0), Steps: []tracker.Step{done("provisioner", "new-user", 0, 0, 2), halted}},
		Now:  at(3600),
	})
	if len(c.Cuts) != 1 {
		t.Fatalf("%+v", c.Cuts)
	}
	cut := c.Cuts[0]
	if end := cut.LabelX + Percent(character*float64(len([]rune(cut.Label)))/2); end > c.Future+.01 || cut.LabelX > cut.X {
		t.Errorf("%q is in the middle of %.1f and ends at %.1f, now is at %.1f", cut.Label, cut.LabelX, end, c.Future)
	}
}

// However long a saga has waited for a person, its token is at now.
func TestTheTokenIsAtNow(t *testing.T) {
	halted := tracker.Step{Service: "authorizer", Topic: "authorize", EventID: "e", State: tracker.StepHalted, Queued: at(2), Accepted: at(2)}
	for _, hours := range []float64{0, 1, 1000} {
		c := Draw(Input{
			Saga: tracker.Saga{Status: tracker.Halted, Started: at(0), Steps: []tracker.Step{done("provisioner", "new-user", 0, 0, 2), halted}},
			Now:  at(4 + 3600*hours), Failed: []Attempt{{EventID: "e", Number: 8, At: at(3)}}, Ahead: []Ahead{{Service: "provisioner", Label: "notified"}},
		})
		if c.Tip == nil || c.Tip.X < c.Future-.01 || c.Tip.X > c.Future+.01 {
			t.Errorf("after %g hours the token is at %+v, now at %s", hours, c.Tip, c.Future)
		}
	}
}

// Whatever clocks say and whatever the log has lost, all shapes are on the chart and no width is negative.
func TestOddTimesStayOnTheChart(t *testing.T) {
	unknown := tracker.Step{Topic: "lost", State: tracker.StepDone}
	ahead := done("authorizer", "authorize", 3600, 3601, 3603)
	backwards := done("notifier", "notify", 5, 4, 3)
	running := tracker.Step{Service: "later", Topic: "later", State: tracker.StepRunning, Queued: at(9000), Started: at(9001)}
	for name, steps := range map[string][]tracker.Step{
		"none": nil, "unknown": {unknown}, "ahead": {done("a", "a", 0, 1, 2), ahead, done("b", "b", 3, 4, 5)}, "backwards": {backwards},
		"from the future": {running}, "many": make([]tracker.Step, 1000), "after unknown": {unknown, done("a", "a", 0, 1, 2), unknown},
	} {
		for _, outcome := range []string{"", wire.Rejected} {
			for _, even := range []bool{false, true} {
				saga := tracker.Saga{Status: tracker.Running, Outcome: outcome, Steps: steps}
				c := Draw(Input{Saga: saga, Now: at(10), Steps: even, Failed: []Attempt{{EventID: "a", Number: 1}, {EventID: "notify", At: at(-99)}}})
				for _, b := range append(c.Queued, c.Bars...) {
					if b.X < 0 || b.W < 0 || b.X > 100 || b.X+b.W > 101 {
						t.Errorf("%s: %+v", name, b)
					}
				}
				if name == "many" && c.Left != 1000-mostSteps {
					t.Errorf("%d of 1,000 hops are left out", c.Left)
				}
				if name == "ahead" && c.Note == "" {
					t.Error("nothing is said of clocks that differ")
				}
			}
		}
	}
}

func TestStepsHaveTheSameWidth(t *testing.T) {
	saga := tracker.Saga{Status: wire.Completed, Outcome: wire.Completed, Steps: []tracker.Step{done("a", "a", 0, 0, 1), done("b", "b", 1, 1, 500), done("c", "c", 500, 500, 500.001)}}
	c := Draw(Input{Saga: saga, Now: at(999), Steps: true})
	for _, b := range c.Bars {
		if w := float64(b.W); w < 31.3 || w > 31.4 {
			t.Errorf("%+v", b)
		}
	}
	if c.Width != 0 || len(c.Ticks) != 0 {
		t.Errorf("%+v", c)
	}
	for range 100 {
		saga.Steps = append(saga.Steps, done("d", "d", 501, 502, 503))
	}
	if c = Draw(Input{Saga: saga, Now: at(999), Steps: true}); c.Width < 100*columnWidth {
		t.Errorf("103 bars on %d pixels", c.Width)
	}
}

func TestRoundTimes(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3601 * time.Second: "1:00:01", 7322500 * time.Millisecond: "2:02:02.5", 26*time.Hour + 30*time.Minute: "26:30 h", 3 * time.Hour: "3 h",
	} {
		if got := roundWords(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		time.Microsecond: "1 ms", 3 * time.Millisecond: "5 ms", 150 * time.Millisecond: "200 ms", 1500 * time.Millisecond: "2 s", 21 * time.Second: "30 s",
		3 * time.Minute: "5 min", 50 * time.Minute: "60 min", 5 * time.Hour: "6 h", 100 * time.Hour: "5 d",
	} {
		if got := roundWords(roundStep(d)); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
