package bench

import "syscall"

// childAttributes let no child outlive the bench, not even one that is killed, and keep the terminal's Ctrl-C from the children:
// the bench stops them in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
