package httpapi

import (
	"souk.example/pkg/money"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/inventory"
)

type listResponse struct {
	Items      []catalogue.Product `json:"items"`
	NextCursor *string             `json:"next_cursor"`
}

// productResponse is a product as the staff sees it.
type productResponse struct {
	SKU         string       `json:"sku"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Price       money.Amount `json:"price"`
	ImageURL    string       `json:"image_url"`
	Version     int64        `json:"version"`
	Withdrawn   bool         `json:"withdrawn"`
	UpdatedAt   string       `json:"updated_at"`
}

func productResponseFrom(p inventory.Product) productResponse {
	return productResponse{
		SKU: string(p.SKU), Name: p.Name, Description: p.Description, Price: p.Price, ImageURL: p.ImageURL,
		Version: p.Version, Withdrawn: p.Withdrawn, UpdatedAt: catalogue.Timestamp(p.UpdatedAt),
	}
}

type stockResponse struct {
	SKU       string `json:"sku"`
	Available int64  `json:"available"`
	Reserved  int64  `json:"reserved"`
	Sold      int64  `json:"sold"`
	Initial   int64  `json:"initial"`
	Adjusted  int64  `json:"adjusted"`
}

func stockResponseFrom(s inventory.Stock) stockResponse {
	return stockResponse{
		SKU: string(s.SKU), Available: s.Available, Reserved: s.Reserved, Sold: s.Sold, Initial: s.Initial, Adjusted: s.Adjusted,
	}
}

// addProductRequest is the body of POST /v1/admin/products.
type addProductRequest struct {
	SKU         string       `json:"sku"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Price       money.Amount `json:"price"`
	ImageURL    string       `json:"image_url"`
	Stock       int64        `json:"stock"`
}

func (r addProductRequest) adding() inventory.Adding {
	return inventory.Adding{
		SKU: inventory.SKU(r.SKU), Name: r.Name, Description: r.Description, Price: r.Price, ImageURL: r.ImageURL, Units: r.Stock,
	}
}

// changeProductRequest is the body of PATCH /v1/admin/products/{sku}; what is
// absent stays as it is. Null is refused: there is nothing that it could mean
// which "" or false does not say.
type changeProductRequest struct {
	Name        *string       `json:"name" null:"refuse"`
	Description *string       `json:"description" null:"refuse"`
	Price       *money.Amount `json:"price" null:"refuse"`
	ImageURL    *string       `json:"image_url" null:"refuse"`
	Withdrawn   *bool         `json:"withdrawn" null:"refuse"`
}

func (r changeProductRequest) patch() inventory.Patch {
	return inventory.Patch{
		Name: r.Name, Description: r.Description, Price: r.Price, ImageURL: r.ImageURL, Withdrawn: r.Withdrawn,
	}
}

// adjustStockRequest is the body of POST /v1/admin/stock/{sku}/adjustments.
type adjustStockRequest struct {
	Delta  int64  `json:"delta"`
	Reason string `json:"reason"`
}
