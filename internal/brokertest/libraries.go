package brokertest

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// librariesName changes with pom.xml, as test binaries of other commits share the cache.
const librariesName = "kafka-4.3.0-tools"

//go:embed pom.xml
var pom []byte

// libraries gives the folder with Kafka's jars, from the cache or from Maven.
func libraries() (string, error) {
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("no %s on the PATH (Java 17 and Maven are needed, or SKALD_TEST_BROKERS)", tool)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	libs := filepath.Join(cache, "skald", librariesName)
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	// Test binaries of several packages may get here at once: each fetches into a folder of its own, one wins.
	temp, err := os.MkdirTemp("", "skald-maven-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := os.WriteFile(filepath.Join(temp, "pom.xml"), pom, 0o600); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(libs), 0o750); err != nil {
		return "", err
	}
	fetched := fmt.Sprintf("%s.%d", libs, os.Getpid())
	fetch := exec.Command("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+fetched)
	fetch.Dir = temp
	if out, err := fetch.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch Apache Kafka by Maven: %w\n%s", err, out)
	}
	if err := os.Rename(fetched, libs); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(libs); there != nil {
			return "", err
		}
		os.RemoveAll(fetched)
	}
	return libs, nil
}
