#pragma once

/// Gives the process the BLAS kernels that quartic would have (start_blas), and ends it where there
/// are none. Null in tests of rooms without products.
[[gnu::weak]] void start_products(char** words);
