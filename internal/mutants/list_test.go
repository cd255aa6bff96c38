package mutants

func mutants() []mutant {
	return []mutant{
		{
			name: "order status set without its condition",
			file: "services/order/internal/store/facts.go",
			old:  `" WHERE id IN "+in+" AND status = ? AND version = ?", args...)`,
			new:  `" WHERE id IN "+in+" AND ? <> '' AND ? <> 0", args...)`,
			pkg:  "./services/order/internal/store", run: "TestSaveIsConditional",
		},
	}
}
