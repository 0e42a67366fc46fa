package consoletest

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// axeVersion of axe-core, which finds what keeps people from using a page: https://github.com/dequelabs/axe-core. It's taken from the
// npm registry when a test runs, and never committed.
const axeVersion = "4.11.0"

// axeScript is fetched once per process.
var axeScript = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "skald-test")
	archive := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
	if _, err := os.Stat(archive); err != nil {
		if err := fetchAxe(dir, archive); err != nil {
			return "", err
		}
	}
	return unpacked(archive, "package/axe.min.js")
})

// fetchAxe downloads beside the target and renames: several packages' tests may do so at once.
func fetchAxe(dir, archive string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	own, err := os.MkdirTemp(dir, "fetch")
	if err != nil {
		return err
	}
	defer os.RemoveAll(own)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "npm", "pack", "axe-core@"+axeVersion, "--silent", "--pack-destination", own).CombinedOutput()
	if err != nil {
		return errors.New("npm pack axe-core: " + err.Error() + ": " + string(out))
	}
	return os.Rename(filepath.Join(own, filepath.Base(archive)), archive)
}

func unpacked(archive, name string) (string, error) {
	f, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	files := tar.NewReader(zipped)
	for {
		header, err := files.Next()
		if err != nil {
			return "", errors.New(name + " in " + archive + ": " + err.Error())
		}
		if header.Name == name {
			content, err := io.ReadAll(files)
			return string(content), err
		}
	}
}

// violation is a rule of WCAG 2.2 AA, or a best practice, that a page breaks.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// Axe looks for violations on the page as it is now; each is an error. Without npm the test is skipped, unless SKALD_TEST_BROWSER is
// "required".
func (b *Tab) Axe(t *testing.T, what string) {
	t.Helper()
	script, err := axeScript()
	if err != nil {
		missing(t, "axe-core can't be had, so accessibility isn't tried: "+err.Error())
	}
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script+"; true"))
		return err
	}))
	found, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](
		`axe.run({resultTypes: ["violations"]}).then((found) => JSON.stringify({passes: found.passes.length, violations: found.violations}))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var result struct {
		Passes     int         `json:"passes"`
		Violations []violation `json:"violations"`
	}
	if err := json.Unmarshal([]byte(found), &result); err != nil {
		t.Fatal(err)
	}
	if result.Passes == 0 {
		t.Errorf("%s: no rule was tried", what)
	}
	for _, v := range result.Violations {
		for _, n := range v.Nodes {
			t.Errorf("%s: %s (%s)\n%s\n%s", what, v.Help, v.ID, n.HTML, strings.TrimSpace(n.Summary))
		}
	}
}

// missing skips a test that needs what isn't here, or fails it where SKALD_TEST_BROWSER says that it must be here.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("SKALD_TEST_BROWSER") == "required" {
		t.Fatal(why)
	}
	t.Skip(why)
}
