package audit_test

import (
	"encoding/json"
	"fmt"

	"souk.example/internal/audit"
)

func ExampleReport() {
	out, _ := json.Marshal(audit.Report{Violations: []audit.Violation{
		{Invariant: audit.Stock, Subject: "FLASH-01", Detail: "below zero: -1 available, 0 reserved, 101 sold"},
	}})
	fmt.Println(string(out))
	// Output: {"clean":false,"at_rest":false,"violations":[{"invariant":"1 stock","subject":"FLASH-01","detail":"below zero: -1 available, 0 reserved, 101 sold"}],"parked":0,"stuck":0,"checked":{"orders":0,"stock":0,"payments":0,"charges":0,"points":0,"events":0}}
}
