//go:build !linux

package bench

import "syscall"

// childAttributes are none: where a parent's death sends no signal, a child ends with its input.
func childAttributes() *syscall.SysProcAttr { return nil }
