"""AWS over HTTP: moto's server, extended in-process with what it lacks and this product lives on."""
