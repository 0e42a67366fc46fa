package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

// In a real browser: whoever has signed in sees who they are, on pages, modules and live parts alike; a viewer gets nothing to press, an operator acts.
func TestSignInWithABrowser(t *testing.T) {
	const password = "correct horse"
	var file strings.Builder
	for name, role := range map[string]access.Role{"ada": access.Operator, "bo": access.Viewer} {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "- {name: %s, role: %s, password: %s}\n", name, role, hash)
	}
	users, err := access.Parse([]byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bo", "ada"} {
		t.Run(name, func(t *testing.T) {
			w := consoletest.NewWorld()
			cfg := w.Config(t)
			cfg.Users = users
			_, server := consoletest.Serve(t, cfg)
			b := consoletest.Browse(t)
			asked := b.SignIn(name, "wrong horse", password)
			b.Open(server.URL + "/")
			b.WaitText("#who", name+", ")
			b.WaitText("#live", "behind the log")
			if n := asked(); n != 2 {
				t.Errorf("the browser was asked %d times, want once and once more after the wrong password", n)
			}
			if name == "bo" {
				b.IsTrue("!document.querySelector('[data-onboard], [data-act], [data-post], [data-service]')")
				b.IsTrue("fetch('/api/v1/demo/hires', {method: 'POST'}).then((r) => { window.refused = r.status }) && true")
				b.Wait("window.refused === " + fmt.Sprint(http.StatusForbidden))
				return
			}
			b.Click("[data-onboard]")
			b.Wait("document.querySelectorAll('#users tbody tr, tbody tr').length > 0")
			w.Mu.Lock()
			defer w.Mu.Unlock()
			if len(w.Starts) != 1 || len(w.Audited) != 1 || w.Audited[0].Who != "ada" {
				t.Errorf("%+v %+v", w.Starts, w.Audited)
			}
		})
	}
}
