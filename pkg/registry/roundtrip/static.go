package roundtrip

import (
	"fmt"

	"souk.example/pkg/registry"
)

// Static is a Source whose list never changes. An error is
// registry.ErrInstance: an instance is not valid, or two have one id.
func Static(instances ...registry.Instance) (Source, error) {
	seen := make(map[string]bool, len(instances))
	for _, i := range instances {
		if err := i.Validate(); err != nil {
			return nil, fmt.Errorf("%w: id %q, URL %q", err, i.ID, i.URL)
		}
		if seen[i.ID] {
			return nil, fmt.Errorf("%w: id %q twice", registry.ErrInstance, i.ID)
		}
		seen[i.ID] = true
	}
	return fixed{&registry.List{Version: 1, Instances: instances}}, nil
}

type fixed struct{ list *registry.List }

func (f fixed) List() *registry.List { return f.list }
