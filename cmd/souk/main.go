// Command souk runs and inspects a souk: it starts the platform on this
// machine, loads demo data, buys, audits, and shows what happened to an order.
//
// Exit codes: 0 done, 1 the answer is no, 2 wrong use or cannot run, 3 a bench
// whose figures are void. Results
// go to stdout, progress and errors to stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"souk.example/cmd/souk/internal/timerslack"
	"souk.example/pkg/plaintext"
)

func main() {
	if isService(os.Args[1:]) {
		_ = timerslack.Relax() // without it a service takes more CPU, and does what it should
	}
	os.Exit(run())
}

// isService reports whether the process is one service, which shares its machine
// with others like it.
func isService(args []string) bool {
	return len(args) > 0 && (args[0] == "run" || args[0] == "serve" && slices.Contains(args, "--service"))
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(plaintext.NewWriter(os.Stderr), "souk:", err)
	}
	return exitCode(err)
}

// answerNo is an error that is an answer: the command ran and found that
// something is not so.
type answerNo struct{ error }

func no(format string, args ...any) error { return answerNo{fmt.Errorf(format, args...)} }

func (e answerNo) Unwrap() error { return e.error }

// voidRun says that a bench ran and its figures mean nothing.
type voidRun struct{ error }

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if _, isVoid := errors.AsType[voidRun](err); isVoid {
		return 3
	}
	if _, isAnswer := errors.AsType[answerNo](err); isAnswer {
		return 1
	}
	return 2
}
