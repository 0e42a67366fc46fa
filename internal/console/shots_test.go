package console

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/services/events"
)

// TestShots takes pictures of the page for people to look at: SKALD_SHOTS=/tmp/shots go test -run Shots.
func TestShots(t *testing.T) {
	if shots() == "" {
		t.Skip("set SKALD_SHOTS to a directory to get pictures")
	}
	if err := os.MkdirAll(shots(), 0o755); err != nil {
		t.Fatal(err)
	}
	w := populated()
	_, server := serve(t, w.config(t))
	down := downWorld()
	_, downServer := serve(t, down.config(t))
	press := func(js string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("("+js+", true)"))
			return err
		})
	}
	trouble := troubled()
	_, troubledServer := serve(t, trouble.config(t))
	var halted string
	for id, s := range trouble.sagas {
		if s.Status == tracker.Halted {
			halted = id
		}
	}
	asking := chromedp.Steps(press("document.querySelector('#saga-"+halted+" td.act button').click()"), chromedp.WaitVisible("#act [data-post]"))
	_, emptyServer := serve(t, newWorld().config(t))
	refused := populated()
	refused.startErr = errors.New("dial tcp 127.0.0.1:9092: connect: connection refused")
	refused.lag = tracker.Lag{Since: time.Now().Add(-time.Minute)}
	_, refusing := serve(t, refused.config(t))
	ctx := browse(t).ctx
	nothing := press("0")
	wrong := chromedp.Steps(press("document.querySelector('#show-form').click()"), press("document.querySelector('#form .primary').click()"), chromedp.WaitVisible("#form [aria-invalid]"))
	for _, shot := range []struct {
		name, path string
		server     *httptest.Server
		width      int64
		scale      float64
		then       chromedp.Action[chromedp.Void]
	}{
		{"onboarding", "/", server, 1440, 1, nothing},
		{"onboarding-trace-off", "/?trace=off", server, 1440, 1, nothing},
		{"onboarding-mailbox", "/?mail=2", server, 1440, 1, nothing},
		{"onboarding-down", "/", downServer, 1440, 1, nothing},
		{"trouble", "/", troubledServer, 1440, 1, nothing},
		{"trouble-1100", "/", troubledServer, 1100, 1, nothing},
		{"trouble-390", "/", troubledServer, 390, 2, nothing},
		{"actions", "/", troubledServer, 1440, 1, asking},
		{"actions-390", "/", troubledServer, 390, 2, asking},
		{"onboarding-empty", "/", emptyServer, 1440, 1, nothing},
		{"onboarding-390", "/", server, 390, 2, nothing},
		{"onboarding-390-off", "/?trace=off", server, 390, 2, nothing},
		{"onboarding-1100", "/", server, 1100, 1, nothing},
		{"form", "/", server, 1440, 1, wrong},
		{"form-390", "/", server, 390, 2, wrong},
		{"keys", "/", server, 1440, 1, press("document.querySelector('#show-keys').click()")},
		{"refused", "/", refusing, 1440, 1, chromedp.Steps(press("document.querySelector('[data-onboard]').click()"), chromedp.WaitVisible("#failed"))},
	} {
		for _, scheme := range []string{"light", "dark"} {
			height := int64(900)
			if shot.width == 390 {
				height = 844
			}
			err := chromedp.Do(ctx, emulate(shot.width, height, shot.scale, scheme), chromedp.Navigate(shot.server.URL+shot.path), settled, shot.then)
			if err != nil {
				t.Fatalf("%s: %v", shot.name, err)
			}
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatalf("%s: %v", shot.name, err)
			}
			if err := os.WriteFile(filepath.Join(shots(), shot.name+"-"+scheme+".png"), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// settled waits until the stream's first patch has come, which follows the script's start by a tick.
var settled = chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.documentElement.dataset.patches > 0`))
	return err
})

func emulate(width, height int64, scale float64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride,
			emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, target, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}

// populated is a world with users in every state that there is.
func populated() *world {
	w := newWorld()
	user := func(name, email, department string) events.NewUser {
		return events.NewUser{Name: name, Email: email + "@example.com", Department: department}
	}
	ms := time.Millisecond
	later := func(d time.Duration) { w.clock = w.clock.Add(d) }
	jun := w.onboard(user("Jun Takamori", "jun.takamori", "support"))
	w.pass(jun, 520*ms)
	w.pass(jun, 630*ms)
	w.pass(jun, 350*ms)
	w.pass(jun, 40*ms)
	later(2 * time.Second)
	ada := w.onboard(user("Ada Lindqvist", "ada.lindqvist", "engineering"))
	later(time.Second)
	long := w.onboard(user("Maximiliana Featherstonehaugh-Vandersloot", "maximiliana.featherstonehaugh-vandersloot", "people"))
	w.pass(long, 190*ms)
	w.halt(long, "no policy grants anything to people")
	later(time.Second)
	cleo := w.onboard(user("Cleo Marchetti", "cleo.marchetti", "sales"))
	w.pass(cleo, 330*ms)
	w.pass(cleo, 460*ms)
	w.halt(cleo, "mail server: 550 no such mailbox")
	edda := w.onboard(user("Edda Nyström", "edda.nystrom", "design"))
	for _, d := range []int{610, 270, 740, 210} {
		w.pass(edda, time.Duration(d)*ms)
	}
	for _, d := range []int{2800, 1120, 410, 190} {
		w.pass(ada, time.Duration(d)*ms)
	}
	later(3 * time.Second)
	finn := w.onboard(user("Finn Ó Briain", "finn.obriain", "engineering"))
	w.pass(finn, 380*ms)
	w.pass(finn, 1920*ms)
	w.run(finn)
	later(600 * ms)
	greta := w.onboard(user("Greta Vantongeren", "greta.vantongeren", "sales"))
	for _, d := range []int{440, 310, 520, 140} {
		w.pass(greta, time.Duration(d)*ms)
	}
	later(3900 * ms)
	hamza := w.onboard(user("Hamza El-Idrissi", "hamza.elidrissi", "engineering"))
	w.pass(hamza, 210*ms)
	w.run(hamza)
	later(400 * ms)
	ivar := w.onboard(user("Ivar Solheim", "ivar.solheim", "design"))
	w.run(ivar)
	at := w.clock
	for i, u := range []events.NewUser{
		user("Jun Takamori", "jun.takamori", "support"), user("Ada Lindqvist", "ada.lindqvist", "engineering"),
		user("Edda Nyström", "edda.nystrom", "design"), user("Greta Vantongeren", "greta.vantongeren", "sales"),
	} {
		w.mails.deliver(u, "Nordbook 16", "NB16-00415", "repo:write, ci:run, vpn", at.Add(time.Duration(i)*time.Second))
	}
	return w
}

// downWorld has three users waiting for a service that is stopped.
func downWorld() *world {
	w := newWorld()
	for i, u := range []events.NewUser{
		{Name: "Jun Takamori", Email: "jun.takamori@example.com", Department: "support"},
		{Name: "Ada Lindqvist", Email: "ada.lindqvist@example.com", Department: "engineering"},
		{Name: "Edda Nyström", Email: "edda.nystrom@example.com", Department: "design"},
	} {
		w.clock = w.clock.Add(2700 * time.Millisecond)
		w.pass(w.onboard(u), time.Duration(470+70*i)*time.Millisecond)
	}
	_ = w.services.Stop(context.Background(), "authorizer")
	return w
}
