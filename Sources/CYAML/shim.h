// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

#pragma once
#include <yaml.h>
