package timerslack

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// begun tells a program that it has begun once more: Linux may take the slack and
// not keep it, as it does of a thread with real-time scheduling.
const begun = "SOUK_TIMER_SLACK_ASKED"

// Relax begins the program once more, under the same process id, with the slack:
// a thread has it from who made it, and the monitor was there before main. It
// returns nil when that has been done, or an error when it cannot be. Nothing
// may be open yet.
func Relax() error {
	if os.Getenv(begun) != "" {
		_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0) // top would list it as "exe"
		return os.Unsetenv(begun)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("read timer slack: %w", err)
	}
	if now >= int(slack) {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0); err != nil {
		return fmt.Errorf("set timer slack: %w", err)
	}
	return fmt.Errorf("begin again: %w", unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), begun+"=yes")))
}
