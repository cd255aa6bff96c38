package compare

import "errors"

// Report is what a run saw.
type Report struct {
	Machine    Machine        `json:"machine"`
	Behaviours []BehaviourRow `json:"behaviours,omitempty"`
	Figures    []FigureRow    `json:"figures,omitempty"`
}

// BehaviourRow is one library under one fault.
type BehaviourRow struct {
	Area    string `json:"area"`
	What    string `json:"what"`
	Library string `json:"library"`
	Ours    bool   `json:"ours,omitempty"`
	Hole    bool   `json:"hole"`
	Known   bool   `json:"known_hole,omitempty"` // the library is known to have it
	Seen    string `json:"seen"`
	Error   string `json:"error,omitempty"`
}

// FigureRow is one library in one figure.
type FigureRow struct {
	Area    string    `json:"area"`
	What    string    `json:"what"`
	Library string    `json:"library"`
	Ours    bool      `json:"ours,omitempty"`
	Units   []string  `json:"units"`
	Median  []float64 `json:"median,omitempty"`
	// TimesOurs is the first unit's median as a multiple of ours in the same
	// run; above 1, ours is faster.
	TimesOurs float64 `json:"times_ours,omitempty"`
	Error     string  `json:"error,omitempty"`

	samples [][]float64
}

// Verdict says in words what a row means.
func (r BehaviourRow) Verdict() string {
	switch {
	case r.Error != "":
		return "failed"
	case r.Hole:
		return "hole"
	case r.Known:
		return "not reproduced"
	default:
		return "holds"
	}
}

// Err is what must not be: a hole in ours, or something that could not be
// arranged or measured.
func (r *Report) Err() error {
	var errs []error
	for _, b := range r.Behaviours {
		if b.Error != "" {
			errs = append(errs, errors.New(b.What+": "+b.Library+": "+b.Error))
		} else if b.Ours && b.Hole {
			errs = append(errs, errors.New(b.What+": ours has the hole: "+b.Seen))
		}
	}
	for _, f := range r.Figures {
		if f.Error != "" {
			errs = append(errs, errors.New(f.What+": "+f.Library+": "+f.Error))
		}
	}
	return errors.Join(errs...)
}
