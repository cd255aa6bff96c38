package provider_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/config"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/provider/providertest"
)

func TestSignature(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	body := []byte(`{"id": "evt_1", "type":"charge.succeeded"}`)
	sign := func(at time.Time, secrets ...string) string { return providertest.Sign(at, body, secrets...) }
	stamp := "t=" + strconv.FormatInt(now.Unix(), 10)
	v1 := strings.TrimPrefix(sign(now, "new"), stamp+",")
	verifier := provider.NewVerifier([]config.Secret{"new", "old"}, func() time.Time { return now })
	for name, c := range map[string]struct {
		header  string
		body    string
		genuine bool
	}{
		"new secret":             {header: sign(now, "new"), genuine: true},
		"old secret":             {header: sign(now, "old"), genuine: true},
		"both":                   {header: sign(now, "new", "old"), genuine: true},
		"one of which is ours":   {header: sign(now, "theirs", "old"), genuine: true},
		"spaced":                 {header: stamp + ", " + v1, genuine: true},
		"with a later scheme":    {header: stamp + ",v2=x," + v1, genuine: true},
		"just in time":           {header: sign(now.Add(-300*time.Second), "new"), genuine: true},
		"a clock ahead":          {header: sign(now.Add(300*time.Second), "new"), genuine: true},
		"too old":                {header: sign(now.Add(-301*time.Second), "new")},
		"from the future":        {header: sign(now.Add(301*time.Second), "new")},
		"another secret":         {header: sign(now, "theirs")},
		"the empty secret":       {header: sign(now, "")},
		"re-serialised":          {header: sign(now, "new"), body: `{"id":"evt_1","type":"charge.succeeded"}`},
		"another time":           {header: "t=" + strconv.FormatInt(now.Unix()+1, 10) + "," + v1},
		"two times":              {header: stamp + "," + stamp + "," + v1},
		"no time":                {header: v1},
		"no signature":           {header: stamp},
		"nothing":                {header: ""},
		"not hex":                {header: stamp + ",v1=zz"},
		"cut short":              {header: sign(now, "new")[:60]},
		"an empty signature":     {header: stamp + ",v1="},
		"a time with a sign":     {header: strings.Replace(sign(now, "new"), "t=", "t=+", 1)},
		"a padded time":          {header: strings.Replace(sign(now, "new"), "t=", "t=0", 1)},
		"a time beyond all":      {header: "t=99999999999999999999," + v1},
		"more than we will read": {header: stamp + strings.Repeat(","+v1, 17)},
	} {
		t.Run(name, func(t *testing.T) {
			sent := body
			if c.body != "" {
				sent = []byte(c.body)
			}
			err := verifier.Verify(c.header, sent)
			if c.genuine != (err == nil) || err != nil && !errors.Is(err, provider.ErrBadSignature) {
				t.Errorf("got %v, genuine %t", err, c.genuine)
			}
		})
	}
	if err := provider.NewVerifier(nil, func() time.Time { return now }).Verify(sign(now, ""), body); err == nil {
		t.Error("without secrets a webhook is believed")
	}
}
