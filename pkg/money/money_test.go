package money_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"souk.example/pkg/money"
)

// exact checks an operation against arbitrary precision.
func exact(t *rapid.T, op string, got money.Amount, err error, want *big.Int) {
	switch {
	case want.IsInt64() && (err != nil || got.Minor() != want.Int64()):
		t.Fatalf("%s: got %v, %v; want %v", op, got, err, want)
	case !want.IsInt64() && !errors.Is(err, money.ErrOverflow):
		t.Fatalf("%s: got %v, %v; want overflow", op, got, err)
	}
}

func TestArithmeticIsExactOrAnError(t *testing.T) {
	edges := rapid.SampledFrom([]int64{0, 1, -1, 2, -2, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 32, -1 << 31})
	number := rapid.OneOf(edges, rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		a, b := money.Of(x, "CNY"), money.Of(y, "CNY")
		bx, by := big.NewInt(x), big.NewInt(y)
		sum, err := a.Add(b)
		exact(t, "add", sum, err, new(big.Int).Add(bx, by))
		difference, err := a.Sub(b)
		exact(t, "sub", difference, err, new(big.Int).Sub(bx, by))
		product, err := a.Mul(y)
		exact(t, "mul", product, err, new(big.Int).Mul(bx, by))
	})
}

func TestMixedCurrencies(t *testing.T) {
	if _, err := money.Of(1, "CNY").Add(money.Of(1, "USD")); !errors.Is(err, money.ErrMismatch) {
		t.Errorf("add: got %v", err)
	}
	if _, err := money.Of(1, "CNY").Sub(money.Of(1, "USD")); !errors.Is(err, money.ErrMismatch) {
		t.Errorf("sub: got %v", err)
	}
}

func TestParseCurrency(t *testing.T) {
	for _, good := range []string{"CNY", "USD", "EUR", "JPY", "AED", "ZWG"} {
		if c, err := money.ParseCurrency(good); err != nil || string(c) != good {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "usd", "Usd", "XXX", "XTS", "XAU", "US", "USDT", " US", "D A", "¥"} {
		if _, err := money.ParseCurrency(bad); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	want := money.Of(math.MinInt64, "CNY")
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got money.Amount
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestJSONRefuses(t *testing.T) {
	for _, bad := range []string{
		`null`, `1`, `"1 CNY"`, `[]`, `{}`,
		`{"amount":1}`, `{"currency":"CNY"}`, `{"amount":null,"currency":"CNY"}`,
		`{"amount":1.5,"currency":"CNY"}`, `{"amount":1e3,"currency":"CNY"}`, `{"amount":"1","currency":"CNY"}`,
		`{"amount":9223372036854775808,"currency":"CNY"}`,
		`{"amount":1,"currency":"usd"}`, `{"amount":1,"currency":"XXX"}`,
		`{"amount":1,"currency":"CNY","scale":2}`,
	} {
		var got money.Amount
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("accepted %s as %v", bad, got)
		}
		if got != (money.Amount{}) {
			t.Errorf("%s left %v behind", bad, got)
		}
	}
}

func ExampleAmount() {
	total, err := money.Of(6495, "CNY").Mul(2)
	data, _ := json.Marshal(total)
	fmt.Println(string(data), err)
	// Output: {"amount":12990,"currency":"CNY"} <nil>
}
