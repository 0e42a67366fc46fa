package bench

import (
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestProc(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: there is no /proc")
	}
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		after, err := cpuTime(os.Getpid())
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("busy for 10 s, and no CPU time was counted: %v", err)
		}
		if after > before {
			break
		}
	}
	if resident, err := residentMemory(os.Getpid()); err != nil || resident < 1<<20 {
		t.Errorf("%d bytes resident: %v", resident, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if pid := listenerOf(l.Addr().(*net.TCPAddr).Port); pid != os.Getpid() {
		t.Errorf("listener is process %d, want %d", pid, os.Getpid())
	}
}
