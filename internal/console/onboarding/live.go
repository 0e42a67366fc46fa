package onboarding

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/live"
)

// live answers GET /live: the stream of patches that keeps a page with the same view up to date.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	ctx, leave, err := h.shell.Enter(r.Context())
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	defer leave()
	watcher := &watcher{h: h, view: v, out: live.NewWriter(w), parts: make(map[string]string)}
	watcher.resume(r)
	if err := watcher.run(ctx); err != nil && ctx.Err() == nil {
		h.b.Logger.Warn("a live page was cut off", "error", err)
	}
}

// position is where a page stands: the version of its newest row, in the life of this Handler.
func (h *handler) position(version uint64) string { return fmt.Sprintf("%s.%d", h.b.Life, version) }

// version is that of the newest row that was made for the board or before it.
func (b *board) version() uint64 {
	var newest uint64
	for _, r := range b.rows {
		newest = max(newest, r.Version)
	}
	return newest
}

// watcher is one page that is kept up to date.
type watcher struct {
	h    *handler
	view view
	out  *live.Writer

	since uint64          // rows up to this version are on the page since before this stream
	rows  map[string]*row // what the page shows; nil before the first patch
	order []string
	parts map[string]string
	rate  live.Rate
}

// resume takes the place where the page stands: what it was rendered with, or the last patch that it got. A place of a
// former life is none, so that the page gets every row again.
func (w *watcher) resume(r *http.Request) {
	at := r.Header.Get("Last-Event-ID")
	if at == "" {
		at = r.URL.Query().Get("since")
	}
	if version, ok := strings.CutPrefix(at, w.h.b.Life+"."); ok {
		w.since, _ = strconv.ParseUint(version, 10, 64) // garbled: 0, every row again
	}
}

func (w *watcher) run(ctx context.Context) error {
	beat := time.NewTicker(live.Heartbeat)
	defer beat.Stop()
	clock := time.NewTicker(time.Second) // how far behind the log we are changes without any event
	defer clock.Stop()
	pace := w.h.shell.Pace()
	for pace.Wait(ctx) {
		// Signals are taken before the look, so that a change meanwhile ends the wait below at once.
		seq, changed := w.h.b.Tracker.Changed()
		services, mails, touched := w.h.demoChanges()
		b, err := w.h.boards.recent(ctx, w.view)
		if err != nil {
			return err
		}
		unsent, err := w.send(ctx, w.h.page(ctx, w.view, b), seq)
		if err != nil {
			return err
		}
		if unsent || b.seq < seq {
			continue // the board that clients share was a moment old, or there is more than one tick brings
		}
		select {
		case <-changed:
		case <-services:
		case <-mails:
		case <-touched:
		case <-clock.C:
		case <-beat.C:
			w.out.Comment()
		case <-ctx.Done():
		}
	}
	return nil
}

// demoChanges gives what else than the tracker may change the page; a nil channel never does.
func (h *handler) demoChanges() (services, mails, touched <-chan struct{}) {
	if h.b.Demo == nil {
		return nil, nil, nil
	}
	if h.b.Demo.Mailbox != nil {
		mails = h.b.Demo.Mailbox.Changed()
	}
	return h.b.Demo.Services.Changed(), mails, h.b.Touched.Changed()
}

// send writes what differs from what the page shows. unsent says that rows are left for the next tick.
func (w *watcher) send(ctx context.Context, p *page, seq int64) (unsent bool, err error) {
	var out patch
	position, unsent, err := w.rowsOf(ctx, p.Board.board, &out)
	if err != nil {
		return unsent, err
	}
	if out.Parts, err = w.partsOf(ctx, p, seq); err != nil {
		return unsent, err
	}
	if len(out.Rows) > 0 || out.Order != nil || out.Gone || len(out.Parts) > 0 {
		if err := w.out.Event("patch", w.h.position(position), out); err != nil {
			return unsent, err
		}
	}
	return unsent, w.out.Flush()
}
