package authorizer

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/services/events"
)

func TestDefaultPolicies(t *testing.T) {
	p := defaultPolicies(t)
	for _, tc := range []struct {
		department string
		device     events.Device
		want       []string
	}{
		{"engineering", laptop, []string{"repo:write", "ci:run", "vpn"}},
		{"sales", laptop, []string{"crm", "vpn"}},
		{"finance", laptop, []string{"ledger:post", "vpn"}},
		{"design", laptop, []string{"studio", "vpn"}},
		{"support", laptop, []string{"desk", "vpn"}},
		{"people", laptop, []string{"hr", "vpn"}},
		{"sales", events.Device{}, []string{"crm"}},
		{"sales", events.Device{Type: "phone", Serial: "P1", Model: "Fjordphone"}, []string{"crm"}},
		{"contractor", laptop, nil},
		{"Engineering", laptop, nil},
	} {
		got := p.Entitled(t.Context(), user(tc.department), tc.device)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s with %q (-want +got):\n%s", tc.department, tc.device.Type, diff)
		}
	}
}

func TestDefaultPoliciesRefuseContractors(t *testing.T) {
	p := defaultPolicies(t)
	someone := user("engineering")
	for email, want := range map[string]int{"remy@contractor.example": 0, "remy@contractor.example.com": 3, "contractor.example@example.com": 3} {
		someone.Email = email
		if got := p.Entitled(t.Context(), someone, laptop); len(got) != want {
			t.Errorf("%s: %v", email, got)
		}
	}
}

// Every department that may join is entitled to something: none is rejected by the policies as they are shipped.
func TestDefaultPoliciesKnowEveryDepartment(t *testing.T) {
	p := defaultPolicies(t)
	for _, department := range events.Departments {
		if len(p.Entitled(t.Context(), user(department), laptop)) == 0 {
			t.Errorf("%s is entitled to nothing", department)
		}
	}
}

func TestOpenPoliciesNamesFileAndLine(t *testing.T) {
	for _, tc := range []struct{ name, document, want string }{
		{"a mistake", "permit (\n  principal,\n  action == Action::\"vpn\"\n  resource\n);\n", "policies: parse error at FILE:5:1"},
		{"nothing", "", "FILE names 0 actions"},
		{"nothing but a remark", "// to be done\n", "FILE names 0 actions"},
		{"no action named", "permit (principal, action, resource);", "FILE names 0 actions in the heads of its policies: 1 to 100 are wanted"},
		{"an action without a name", "\npermit (principal, action == Action::\"\", resource);", "FILE:2: an action's name must not be empty"},
		{"an action on two lines", `permit (principal, action == Action::"a\nb", resource);`, "FILE:1: an action's name must not be empty or have control characters"},
		{"too large", "// " + strings.Repeat("x", maxDocument), "FILE: the file is larger than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p.cedar")
			write(t, path, tc.document)
			_, err := OpenPolicies(path, slog.New(slog.DiscardHandler))
			want := strings.ReplaceAll(tc.want, "FILE", path)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
	if _, err := OpenPolicies(filepath.Join(t.TempDir(), "missing.cedar"), slog.New(slog.DiscardHandler)); !os.IsNotExist(unwrap(err)) {
		t.Errorf("error %v, want that the file doesn't exist", err)
	}
}

func TestEditedFileHoldsWithinASecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.cedar")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		write(t, path, permit("crm"))
		p, err := OpenPolicies(path, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		wantEntitled(t, p, "crm")

		write(t, path, permit("desk"))
		wantEntitled(t, p, "crm") // not looked at yet
		time.Sleep(checkEvery)
		wantEntitled(t, p, "desk")
		wantLogged(t, &log, `msg="the policies have changed"`, "entitlements=[desk]")

		for _, mistake := range []string{"permit (", "", permit("desk") + "\npermit (principal action);"} {
			write(t, path, mistake)
			for range 3 { // it is looked at three times, and told once
				time.Sleep(checkEvery)
				wantEntitled(t, p, "desk")
			}
			wantLogged(t, &log, "level=ERROR", "the former ones stay in force", path)
		}

		write(t, path, permit("desk", "studio"))
		time.Sleep(checkEvery)
		wantEntitled(t, p, "desk", "studio")
		wantLogged(t, &log, "entitlements=\"[desk studio]\"")

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkEvery)
		wantEntitled(t, p, "desk", "studio")
		wantLogged(t, &log, "no such file")
	})
}

// A policy that can't be evaluated is passed over, as Cedar has it, and told once.
func TestPolicyThatFailsIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	former := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(former)

	path := filepath.Join(t.TempDir(), "p.cedar")
	write(t, path, permit("crm")+"\npermit (principal, action == Action::\"vpn\", resource) when { resource.colour == \"red\" };")
	p, err := OpenPolicies(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		wantEntitled(t, p, "crm")
	}
	wantLogged(t, &log, "level=WARN", "line=2", "colour")
}

func permit(actions ...string) string {
	return `permit (principal, action in [Action::"` + strings.Join(actions, `", Action::"`) + `"], resource);`
}

func write(t *testing.T, path, document string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantEntitled(t *testing.T, p *Policies, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, p.Entitled(t.Context(), user("sales"), laptop)); diff != "" {
		t.Errorf("entitled (-want +got):\n%s", diff)
	}
}

// wantLogged wants one line, with all of words in it, and takes it from the log.
func wantLogged(t *testing.T, log *bytes.Buffer, words ...string) {
	t.Helper()
	defer log.Reset()
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines were logged, want 1:\n%s", n, log)
	}
	for _, word := range words {
		if !strings.Contains(log.String(), word) {
			t.Errorf("nothing with %q was logged:\n%s", word, log)
		}
	}
}

func unwrap(err error) error {
	if e, ok := err.(interface{ Unwrap() error }); ok {
		return unwrap(e.Unwrap())
	}
	return err
}
