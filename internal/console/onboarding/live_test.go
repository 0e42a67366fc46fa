package onboarding_test

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/onboarding"
)

// viewer is a page in a browser, as far as rows go: it loads the page and applies patches.
type viewer struct {
	t        *testing.T
	base     string
	live     string
	position string
	rows     map[string]string // HTML by saga
	order    []string
	parts    map[string]string
	hops     map[string]int
	told     []string
	most     int // rows in one patch
	stream   *consoletest.Stream
}

var (
	liveURL  = regexp.MustCompile(`data-live="([^"]*)" data-position="([^"]*)"`)
	tableRow = regexp.MustCompile(`(?s)<tr class="[^"]*" id="saga-([^"]*)" role="row">.*?</tr>`)
)

func visit(t *testing.T, base string) *viewer {
	t.Helper()
	v := &viewer{t: t, base: base, rows: make(map[string]string), parts: make(map[string]string), hops: make(map[string]int)}
	page := consoletest.Fetch(t, base+"/")
	found := liveURL.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the page doesn't say where its stream is")
	}
	v.live, v.position = strings.ReplaceAll(found[1], "&amp;", "&"), found[2]
	for _, row := range tableRow.FindAllStringSubmatch(page, -1) {
		v.rows[row[1]] = row[0]
		v.order = append(v.order, row[1])
	}
	v.connect()
	return v
}

func (v *viewer) connect() {
	address, err := url.Parse(v.base + v.live)
	if err != nil {
		v.t.Fatal(err)
	}
	query := address.Query()
	query.Set("since", v.position)
	address.RawQuery = query.Encode()
	v.stream = consoletest.Follow(v.t, address.String(), "")
}

// until applies patches until the condition holds.
func (v *viewer) until(what string, condition func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(consoletest.Patience); !condition(); {
		if time.Now().After(deadline) {
			v.t.Fatalf("%s: never", what)
		}
		p := consoletest.Decoded[onboarding.Patch](v.t, v.stream.Next("patch").Data)
		v.position = v.stream.LastID
		v.most = max(v.most, len(p.Rows))
		for _, row := range p.Rows {
			v.rows[row.ID] = row.HTML
		}
		if p.Order != nil || p.Gone {
			v.order = p.Order
		}
		maps.Copy(v.parts, p.Parts)
		for topic, n := range p.Hops {
			v.hops[topic] += n
		}
		v.told = append(v.told, p.Told...)
	}
}

func (v *viewer) shows(id, text string) func() bool {
	return func() bool { return strings.Contains(v.rows[id], text) }
}

func TestRowTicksToComplete(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	v := visit(t, server.URL)
	v.until("connected", func() bool { return v.parts["summary"] != "" })
	id := w.Onboard(consoletest.User("Ada"))
	v.until("on the page", v.shows(id, "waits its turn"))
	w.Run(id)
	v.until("provisioning", v.shows(id, "choosing a device"))
	w.Pass(id, 440*time.Millisecond)
	v.until("provisioned", v.shows(id, "Nordbook 16 · NB16-00416"))
	if !strings.Contains(v.rows[id], "0.44 s") {
		t.Error(v.rows[id])
	}
	w.Pass(id, 310*time.Millisecond)
	v.until("authorized", v.shows(id, "crm, vpn"))
	w.Pass(id, 520*time.Millisecond)
	v.until("notified", v.shows(id, "mail accepted"))
	w.Pass(id, 140*time.Millisecond)
	v.until("complete", v.shows(id, "1.41 s"))
	if diff := cmp.Diff(map[string]int{"new-user": 1, "authorize": 1, "notify": 1, "notified": 1}, v.hops); diff != "" {
		t.Errorf("tokens on the chain: %s", diff)
	}
	if diff := cmp.Diff([]string{"Ada completed in 1.41 seconds"}, v.told); diff != "" {
		t.Error(diff)
	}
	v.until("counted", func() bool { return strings.Contains(v.parts["stations"], "<b>1</b> completed") })
}

// Whatever is missed while the connection is lost is on the page after it is back, and what isn't new isn't sent again.
func TestPageResumes(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	kept := w.Onboard(consoletest.User("kept"))
	changed := w.Onboard(consoletest.User("changed"))
	v := visit(t, server.URL)
	v.until("connected", func() bool { return v.parts["summary"] != "" })
	if v.most != 0 {
		t.Errorf("%d rows came again that the page was rendered with", v.most)
	}
	v.stream.Cancel()
	v.stream.Ended()
	w.Pass(changed, time.Second)
	added := w.Onboard(consoletest.User("added"))
	v.connect()
	v.until("the new row", v.shows(added, "added@example.com"))
	v.until("the changed row", v.shows(changed, "1.00 s"))
	if v.most > 2 {
		t.Errorf("a patch had %d rows, two were new", v.most)
	}
	if diff := cmp.Diff([]string{added, changed, kept}, sortedLike(v.order, added, changed, kept)); diff != "" {
		t.Error(diff)
	}
}

// sortedLike gives ids that are all in order, for a comparison that names what is missing.
func sortedLike(order []string, ids ...string) []string {
	var found []string
	for _, id := range ids {
		if slices.Contains(order, id) {
			found = append(found, id)
		}
	}
	return found
}

func TestPageOfAnotherLifeGetsEverything(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	id := w.Onboard(consoletest.User("ada"))
	v := visit(t, server.URL)
	v.stream.Cancel()
	v.rows, v.position = map[string]string{}, "formerlife.999"
	v.connect()
	v.until("the row", v.shows(id, "ada@example.com"))
}

// However many sagas change, a patch stays small, and in the end the page shows the newest as they are.
func TestFloodIsJoined(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	v := visit(t, server.URL)
	var last string
	for i := range 3 * onboarding.MaxRows {
		w.Clock = w.Clock.Add(time.Millisecond)
		last = w.Onboard(consoletest.User(fmt.Sprint("user", i)))
		w.Complete(last, time.Second)
	}
	v.until("all is shown", func() bool {
		if len(v.order) != onboarding.MaxRows || v.order[0] != last {
			return false
		}
		return !slices.ContainsFunc(v.order, func(id string) bool { return !v.shows(id, "is-completed")() })
	})
	if v.most > onboarding.RowsPerTick {
		t.Errorf("a patch had %d rows", v.most)
	}
	v.until("the rest is counted", func() bool { return strings.Contains(v.parts["more"], "all 600 are counted") })
}

func TestServiceDownIsNamed(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	id := w.Onboard(consoletest.User("ada"))
	w.Pass(id, time.Second)
	v := visit(t, server.URL)
	_ = w.Switches.Stop(t.Context(), "authorizer")
	v.until("the warning", func() bool { return strings.Contains(v.parts["warning"], "authorizer is stopped.") })
	v.until("what waits", func() bool {
		return strings.Contains(v.parts["warning"], "1 user waits in <code>authorize</code>") && strings.Contains(v.parts["stations"], "stopped · 1 queued")
	})
	v.until("the row", v.shows(id, "waits for authorizer to start"))
	_ = w.Switches.Play(t.Context(), "authorizer")
	v.until("it is over", func() bool { return !strings.Contains(v.parts["warning"], "authorizer") })
	v.until("the row goes on", v.shows(id, "waits its turn"))
}

func TestMailsAreCounted(t *testing.T) {
	w := consoletest.NewWorld()
	_, server := consoletest.Serve(t, w.Config(t))
	v := visit(t, server.URL)
	w.Mails.Deliver(consoletest.User("Ada"), "Nordbook 14", "NB14-00001", "vpn", w.Clock)
	v.until("one mail", func() bool { return strings.Contains(v.parts["mail-count"], "1") })
}

func TestOtherPagesSeeWhatOneDoes(t *testing.T) {
	w := consoletest.NewWorld()
	h, server := consoletest.Serve(t, w.Config(t))
	v := visit(t, server.URL)
	consoletest.Ask(t, h, "PUT", "/api/v1/demo/lag", `{"min":"0s","max":"1.5s"}`, nil)
	v.until("the lag", func() bool { return strings.Contains(v.parts["lag"], "0–1.5 s") })
	consoletest.Ask(t, h, "POST", "/api/v1/demo/hires", "", nil)
	v.until("the next", func() bool { return strings.Contains(v.parts["next"], "Lars Ødegaard, Finance") })
}
