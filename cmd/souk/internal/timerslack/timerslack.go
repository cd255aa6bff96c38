// Package timerslack lets the kernel wake a process's threads late.
//
// The monitor thread of Go's runtime sleeps for 20 µs at a time while the
// process makes system calls that take longer (golang/go#18236), which with
// Linux' own 50 µs of slack is more than ten thousand wake-ups a second: 15 to
// 23 % of a service's CPU at a third of the highest rate, on a virtual machine.
// Each service of a machine has such a thread. With a millisecond of slack there
// are some hundred. What it costs: a timer may be a millisecond late, and a
// goroutine whose thread is stuck in a system call is missed by the others as
// much later.
package timerslack

import "time"

// slack is how late a thread may be woken.
const slack = time.Millisecond
