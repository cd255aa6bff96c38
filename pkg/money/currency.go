package money

import (
	"fmt"
	"strings"
)

// Currency is an ISO 4217 code in upper case. The zero value is no currency.
type Currency string

// circulating lists the ISO 4217 codes of money that people pay with. Funds,
// metals, bond units, the testing code XTS and XXX ("no currency") are left
// out on purpose: nothing may be priced in them.
const circulating = " AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD" +
	" CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ" +
	" GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD" +
	" LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP" +
	" PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND" +
	" TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "

// ParseCurrency accepts a code of circulating money, in upper case only.
func ParseCurrency(s string) (Currency, error) {
	if !isCode(s) || !strings.Contains(circulating, " "+s+" ") {
		return "", fmt.Errorf("%w: not the ISO 4217 code of a circulating currency", ErrCurrency)
	}
	return Currency(s), nil
}

func isCode(s string) bool {
	if len(s) != 3 {
		return false
	}
	for _, c := range []byte(s) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
