// The tables of this process, made as the tracer makes those of a target.
#pragma once

#include "reference.h"

// Throws std::runtime_error if a mapped file cannot be read.
Tables own_tables();
