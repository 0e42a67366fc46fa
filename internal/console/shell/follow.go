package shell

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/skald-saga/skald/internal/console/live"
)

// Look is a page as it is now, in parts.
type Look struct {
	Parts map[string]string // HTML by the ID of the element that it replaces; the page passes over those that it doesn't have
	Told  []string          // sentences for whoever can't see the parts change, each once
}

// Follow serves the stream that keeps a page up to date: it looks at once, at every change of what the tracker knows, and every second,
// at most ten times a second and less often when many follow, and sends the parts that differ from what it sent before. As what is sent is the state and no change
// of it, a page that comes back after a broken connection misses nothing.
func (s *Shell) Follow(w http.ResponseWriter, r *http.Request, look func(context.Context) (Look, error)) {
	ctx, leave, err := s.streams.Enter(r.Context())
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	defer leave()
	f := &follower{s: s, look: look, sent: map[string]string{}}
	first, seq, err := f.see(ctx)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	f.out = live.NewWriter(w)
	if err := f.run(ctx, first, seq); err != nil && ctx.Err() == nil {
		s.b.Logger.Warn("a live page was cut off", "error", err)
	}
}

// follower is one page that is kept up to date.
type follower struct {
	s       *Shell
	look    func(context.Context) (Look, error)
	out     *live.Writer
	sent    map[string]string
	rate    live.Rate
	changed <-chan struct{}
}

type patch struct {
	Parts map[string]string `json:"parts,omitempty"`
	Told  []string          `json:"told,omitempty"`
}

func (f *follower) run(ctx context.Context, now Look, seq int64) error {
	beat := time.NewTicker(live.Heartbeat)
	defer beat.Stop()
	clock := time.NewTicker(time.Second) // how far behind the log we are changes without any event
	defer clock.Stop()
	pace := f.s.streams.Pace()
	for {
		if err := f.send(ctx, now, seq); err != nil {
			return err
		}
		select {
		case <-f.changed:
		case <-clock.C:
		case <-beat.C:
			f.out.Comment()
		case <-ctx.Done():
		}
		if !pace.Wait(ctx) {
			return nil
		}
		var err error
		if now, seq, err = f.see(ctx); err != nil {
			return err
		}
	}
}

// see looks. The signal is taken before, so that a change meanwhile ends the next wait at once.
func (f *follower) see(ctx context.Context) (Look, int64, error) {
	var seq int64
	seq, f.changed = f.s.b.Tracker.Changed()
	now, err := f.look(ctx)
	return now, seq, err
}

func (f *follower) send(ctx context.Context, now Look, seq int64) error {
	parts, err := f.s.Parts(ctx, seq, &f.rate)
	if err != nil {
		return err
	}
	maps.Copy(parts, now.Parts)
	out := patch{Parts: map[string]string{}, Told: now.Told}
	for id, html := range parts {
		if before, ok := f.sent[id]; !ok || before != html {
			f.sent[id], out.Parts[id] = html, html
		}
	}
	if len(out.Parts) > 0 || len(out.Told) > 0 {
		if err := f.out.Event("patch", "", out); err != nil {
			return err
		}
	}
	return f.out.Flush()
}

// Parts renders the shell's own parts, for streams that a room serves itself.
func (s *Shell) Parts(ctx context.Context, seq int64, rate *live.Rate) (map[string]string, error) {
	now := time.Now()
	f := &frame{Now: now}
	f.Fresh, f.Silent = s.freshness(now)
	f.Fresh.Joined = rate.Joined(seq, now, s.streams.Tick())
	parts := map[string]string{}
	for _, name := range []string{"live", "silent"} {
		html, err := s.Render(ctx, name, f)
		if err != nil {
			return nil, err
		}
		parts[name] = html
	}
	for room := range s.badges {
		html, err := s.Render(ctx, "badge", s.badge(room))
		if err != nil {
			return nil, err
		}
		parts["badge-"+room] = html
	}
	return parts, nil
}
