package roundtrip_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"souk.example/pkg/registry"
	"souk.example/pkg/registry/roundtrip"
)

// A client of a service whose instances are known beforehand; a
// *registry.Watcher takes the place of Static where they are not.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
	defer server.Close()
	source, err := roundtrip.Static(registry.Instance{ID: "1", URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	transport, err := roundtrip.New(nil, source, roundtrip.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://shop/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}
