package stockgate

import (
	"context"
	"fmt"
)

// Verdict is what an ask is answered.
type Verdict uint8

// The verdicts. The zero value is Pass.
const (
	Pass    Verdict = iota // nothing is known against it, or another order of its key has a hold
	Held                   // it passes and has a hold, now or since it asked before: to be withdrawn when no order comes of it
	Wait                   // too little is left, but units that are held may come back: it is worth asking again
	SoldOut                // too little is left by what SQL has reserved and sold, whatever becomes of the holds
)

// Answer is the verdict on an Ask. Line is the first line, of a refused one, of
// which too little is left.
type Answer struct {
	Verdict Verdict
	Line    int
}

// Open lists the SKUs that had a gate when it was last published.
func (g *Gates) Open(ctx context.Context) ([]string, error) {
	skus, err := g.rdb.Read().HKeys(ctx, keyUnits).Result()
	if err != nil {
		return nil, fmt.Errorf("list gates: %w", err)
	}
	return skus, nil
}

// Admit answers the asks one after the other, each in its place: a later one
// finds what those before it took. An order takes a hold on all its lines or on
// none. It is one round trip.
func (g *Gates) Admit(ctx context.Context, asks []Ask) ([]Answer, error) {
	keys, args := admission(asks)
	codes, err := g.scripts.Run(ctx, g.rdb.Write(), "admit", keys, args...).Int64Slice()
	if err != nil {
		return nil, fmt.Errorf("ask the gates for %d orders: %w", len(asks), err)
	}
	answers := make([]Answer, len(asks))
	if len(codes) != len(asks) { // the gates are too old, or too full
		return answers, nil
	}
	for i, code := range codes {
		answers[i] = answerOf(code)
	}
	return answers, nil
}

// answerOf reads what admit.lua returns for an ask.
func answerOf(code int64) Answer {
	switch {
	case code < 2:
		return Answer{Verdict: Verdict(code)}
	case code%2 == 0:
		return Answer{Verdict: Wait, Line: int(code/2 - 1)}
	default:
		return Answer{Verdict: SoldOut, Line: int(code/2 - 1)}
	}
}

// admission is what admit.lua reads: each SKU once, and the asks that name it
// by its number.
func admission(asks []Ask) (keys []string, args []any) {
	numbers := make(map[string]int)
	var skus, wanted []any
	keys = []string{keyState, keyUnits, keyBack, keyClaims, keyHolds}
	for _, a := range asks {
		wanted = append(wanted, a.digest(), a.Order, len(a.Lines))
		for _, l := range a.Lines {
			n, known := numbers[l.SKU]
			if !known {
				n = len(numbers) + 1
				numbers[l.SKU] = n
				keys, skus = append(keys, roomOf+l.SKU), append(skus, l.SKU)
			}
			wanted = append(wanted, n, l.Units)
		}
	}
	args = append([]any{millis(HoldFor), millis(StayFor), MaxHolds, len(skus)}, skus...)
	return keys, append(args, wanted...)
}

// Withdraw ends the holds that these asks took, if they are still theirs. To
// repeat it changes nothing. It is one round trip.
func (g *Gates) Withdraw(ctx context.Context, asks []Ask) error {
	args := make([]any, 0, 2*len(asks))
	for _, a := range asks {
		args = append(args, a.digest(), a.Order)
	}
	if err := g.scripts.Run(ctx, g.rdb.Write(), "withdraw", []string{keyClaims, keyHolds}, args...).Err(); err != nil {
		return fmt.Errorf("withdraw %d holds: %w", len(asks), err)
	}
	return nil
}
