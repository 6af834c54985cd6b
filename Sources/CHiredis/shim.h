// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

#pragma once
#include <sys/time.h>
#include <hiredis/hiredis.h>
