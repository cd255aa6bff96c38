package apperr_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"souk.example/pkg/apperr"
)

func TestFrom(t *testing.T) {
	refusal := apperr.New(apperr.Conflict, "email_taken", "taken")
	tests := []struct {
		name string
		err  error
		kind apperr.Kind
		code string
	}{
		{"itself", refusal, apperr.Conflict, "email_taken"},
		{"wrapped", fmt.Errorf("register: %w", refusal), apperr.Conflict, "email_taken"},
		{"outermost wins", apperr.New(apperr.Unavailable, "busy", "busy").With(refusal), apperr.Unavailable, "busy"},
		{"deadline", fmt.Errorf("query: %w", context.DeadlineExceeded), apperr.Timeout, apperr.CodeTimeout},
		{"anything else", errors.New("disk on fire"), apperr.Internal, apperr.CodeInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := apperr.From(tt.err)
			if got.Kind != tt.kind || got.Code != tt.code {
				t.Errorf("got %v %q, want %v %q", got.Kind, got.Code, tt.kind, tt.code)
			}
		})
	}
	if apperr.From(nil) != nil {
		t.Error("From(nil) must be nil")
	}
}

func TestCauseStaysOutOfThePublicPart(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.7")
	e := apperr.From(cause)
	if strings.Contains(e.Detail, "10.0.0.7") {
		t.Errorf("cause in detail: %q", e.Detail)
	}
	if !errors.Is(e, cause) || !strings.Contains(e.Error(), "10.0.0.7") {
		t.Error("the cause must stay with the error for the log")
	}
}

func TestCopiesLeaveTheOriginalAlone(t *testing.T) {
	base := apperr.New(apperr.Unprocessable, "invalid", "no").WithFields(apperr.Field{Field: "a"})
	one := base.WithFields(apperr.Field{Field: "b"})
	two := base.WithFields(apperr.Field{Field: "c"}).With(errors.New("x"))
	if len(base.Fields) != 1 || one.Fields[1].Field != "b" || two.Fields[1].Field != "c" {
		t.Errorf("copies share state: %v %v %v", base.Fields, one.Fields, two.Fields)
	}
	if !errors.Is(two, base) {
		t.Error("a copy must match its original")
	}
}

func ExampleNew() {
	err := apperr.New(apperr.NotFound, "order_not_found", "there is no such order")
	wrapped := fmt.Errorf("get order: %w", err)
	fmt.Println(apperr.From(wrapped).Code)
	// Output: order_not_found
}
