package consoletest

import (
	"context"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// SignIn answers the browser's questions for name and password (HTTP Basic): with each of the passwords in turn, and no more when there
// are none left. asked gives how often it was asked.
func (b *Tab) SignIn(name string, passwords ...string) (asked func() int) {
	b.T.Helper()
	ctx, cancel := context.WithCancel(b.Ctx)
	var running sync.WaitGroup
	b.T.Cleanup(func() { cancel(); running.Wait() })
	paused, questions := chromedp.Events(ctx, fetch.RequestPaused), chromedp.Events(ctx, fetch.AuthRequired)
	on := true
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &on})
		return err
	}))
	running.Go(func() {
		for e, err := range paused {
			if err != nil {
				return
			}
			answer(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
		}
	})
	var mu sync.Mutex
	n := 0
	running.Go(func() {
		for e, err := range questions {
			if err != nil {
				return
			}
			mu.Lock()
			n++
			reply := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
			if n <= len(passwords) {
				reply = &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: name, Password: passwords[n-1]}
			}
			mu.Unlock()
			answer(ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: reply})
		}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// answer lets a request go on. One that the page has given up meanwhile needs none.
func answer[P any](ctx context.Context, command cdp.Command[P, cdp.Empty], params P) {
	_ = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	}))
}
